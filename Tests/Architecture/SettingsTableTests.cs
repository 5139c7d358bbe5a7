using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Xml.Linq;
using Builds.Workers;

namespace Builds.Tests.Architecture;

/// <summary>The table of settings in Silo/README.md says what the classes say. When it does not, the failure shows the table to paste.</summary>
public sealed class SettingsTableTests
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    /// <summary>Defaults that differ from machine to machine, in words.</summary>
    private static readonly Dictionary<string, string> ComputedDefaults = new()
    {
        [$"{WorkerOptions.Section}:{nameof(WorkerOptions.Slots)}"] = "one per processor",
    };

    [Fact]
    public void The_table_of_settings_for_operators_is_the_one_of_the_code()
    {
        var wanted = "| setting | default | range | what it does |\n|---|---|---|---|\n" + string.Concat(OptionsClasses().SelectMany(Rows));

        var page = File.ReadAllText(Repository.PathOf("Silo", "README.md"));
        var section = page.Split("\n## Settings\n") is [_, var rest] ? rest.Split("\n## ")[0] : "(no section '## Settings')";
        var table = string.Concat(section.Split('\n').Where(line => line.StartsWith('|')).Select(line => line + "\n"));

        (table == wanted).ShouldBeTrue($"Silo/README.md must have exactly this table below '## Settings':\n\n{wanted}");
    }

    [Fact]
    public void Every_setting_says_what_it_does()
    {
        var silent = OptionsClasses().SelectMany(options => options.GetProperties(Own).Where(property => Summary(property).Length == 0))
            .Select(property => $"{property.DeclaringType!.Name}.{property.Name} has no <summary>");

        silent.ShouldBeEmpty();
    }

    private static IEnumerable<Type> OptionsClasses() => Product.Assemblies.SelectMany(assembly => assembly.GetTypes())
        .Where(type => SectionOf(type) is not null).OrderBy(SectionOf, StringComparer.Ordinal);

    private static string? SectionOf(Type type) => type.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string;

    private static IEnumerable<string> Rows(Type type)
    {
        var defaults = Activator.CreateInstance(type);
        return type.GetProperties(Own).Where(property => property.CanWrite).Select(property =>
        {
            var name = $"{SectionOf(type)}:{property.Name}";
            var value = ComputedDefaults.GetValueOrDefault(name) ?? Text(property.GetValue(defaults));
            return $"| `{name}` | {value} | {Range(property)} | {Summary(property)} |\n";
        });
    }

    private static string Text(object? value) => value switch
    {
        null or "" => "(none)",
        TimeSpan time => $"`{(time.Milliseconds == 0 ? time.ToString("c") : time.ToString("c").TrimEnd('0'))}`",
        bool flag => flag ? "`true`" : "`false`",
        System.Collections.IEnumerable list and not string => list.Cast<object>().Any() ? $"`{string.Join(", ", list.Cast<object>())}`" : "(none)",
        _ => $"`{string.Format(CultureInfo.InvariantCulture, "{0}", value)}`",
    };

    private static string Range(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
            return $"{range.Minimum} to {range.Maximum}";
        if (type.IsEnum)
            return string.Join(", ", Enum.GetNames(type));
        if (type == typeof(bool))
            return "true, false";
        return property.GetCustomAttribute<RequiredAttribute>() is null ? "" : "not empty";
    }

    /// <summary>The summary of the property, in one line of Markdown.</summary>
    private static string Summary(PropertyInfo property)
    {
        var file = Path.ChangeExtension(property.DeclaringType!.Assembly.Location, ".xml");
        var name = $"P:{property.DeclaringType.FullName!.Replace('+', '.')}.{property.Name}";
        var summary = XDocument.Load(file).Descendants("member").FirstOrDefault(member => member.Attribute("name")!.Value == name)?.Element("summary");
        return summary is null ? "" : string.Join(' ', string.Concat(summary.Nodes().Select(Markdown)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Replace("|", "\\|", StringComparison.Ordinal);
    }

    private static string Markdown(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" } see => $"`{(see.Attribute("cref") ?? see.Attribute("langword"))!.Value.Split('(')[0].Split('.')[^1]}`",
        XElement element => $"`{element.Value}`",
        _ => "",
    };
}
