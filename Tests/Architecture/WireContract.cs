using System.Reflection;
using System.Text;

namespace Builds.Tests.Architecture;

/// <summary>The types that go from silo to silo, as text for a reviewer: aliases, and the number, name and type of each member.</summary>
internal static class WireContract
{
    public static string Text(IEnumerable<Assembly> assemblies)
    {
        var text = new StringBuilder("# The types on the wire: alias, then number, name and type of each member. A test compares it with the code.\n");
        foreach (var type in assemblies.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>(inherit: false) is not null)
            .OrderBy(WireText.Name, StringComparer.Ordinal))
        {
            text.Append('\n').Append(Word(type)).Append(' ').Append(WireText.Name(type)).Append('\n');
            foreach (var member in type.IsEnum ? Values(type) : Members(type))
                text.Append("  ").Append(member).Append('\n');
        }

        return text.ToString();
    }

    private static string Word(Type type) => type.IsEnum ? "enum" : type.IsAbstract ? "abstract" : type.IsValueType ? "struct" : "class";

    private static IEnumerable<string> Values(Type type) => Enum.GetNames(type).Select(name => $"{(int)Enum.Parse(type, name)} {name}");

    private static IEnumerable<string> Members(Type type) => WireSamples.Members(type)
        .Where(member => member.DeclaringType == type)
        .Select(member => (Number: member.GetCustomAttribute<IdAttribute>()!.Id, Member: member))
        .OrderBy(found => found.Number)
        .Select(found => $"{found.Number} {found.Member.Name}: {Name(found.Member.PropertyType)}");

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        return type.IsGenericType
            ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
            : WireText.Name(type);
    }
}
