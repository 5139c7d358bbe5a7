using System.Reflection;
using System.Text;

namespace Builds.Tests.Architecture;

/// <summary>What goes from silo to silo, as text for a reviewer: grain interfaces and their methods, then types with the number, name and type of each member.</summary>
internal static class WireContract
{
    public static string Text(IEnumerable<Assembly> assemblies)
    {
        var text = new StringBuilder("# The wire between silos: grain interfaces with their methods, then types with number, name and type of each member. A test compares it with the code.\n");
        foreach (var grain in Sorted(assemblies, type => type.IsInterface && typeof(IAddressable).IsAssignableFrom(type)))
        {
            text.Append("\ninterface ").Append(WireText.Name(grain)).Append('\n');
            foreach (var method in grain.GetMethods().Where(method => method is { IsAbstract: true, IsStatic: false }).Select(Method).Order(StringComparer.Ordinal))
                text.Append("  ").Append(method).Append('\n');
        }

        foreach (var type in Sorted(assemblies, type => type.GetCustomAttribute<GenerateSerializerAttribute>(inherit: false) is not null))
        {
            text.Append('\n').Append(Word(type)).Append(' ').Append(WireText.Name(type)).Append('\n');
            foreach (var member in type.IsEnum ? Values(type) : Members(type))
                text.Append("  ").Append(member).Append('\n');
        }

        return text.ToString();
    }

    private static IEnumerable<Type> Sorted(IEnumerable<Assembly> assemblies, Func<Type, bool> which) => assemblies
        .SelectMany(assembly => assembly.GetTypes()).Where(type => !Product.IsGenerated(type) && which(type)).OrderBy(WireText.Name, StringComparer.Ordinal);

    private static string Method(MethodInfo method) =>
        $"{method.GetCustomAttribute<AliasAttribute>()?.Alias}({string.Join(", ", method.GetParameters().Select(each => Name(each.ParameterType)))}) -> {Name(method.ReturnType)}";

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
