namespace Builds.Manifests;

/// <summary>The tags of YAML's type repository that a manifest may spell out.</summary>
internal static class YamlTags
{
    public const string Prefix = "tag:yaml.org,2002:";
    public const string Merge = Prefix + "merge";
    public const string Text = Prefix + "str";
    public const string Binary = Prefix + "binary";

    /// <summary>Short names of kinds, as error messages of YAML libraries have them.</summary>
    public static string Describe(YamlNode node) => node switch
    {
        YamlSequence => "!!seq",
        YamlMapping => "!!map",
        YamlScalar scalar => YamlTyping.Resolve(scalar) switch
        {
            EnvironmentValue.Null => "!!null",
            EnvironmentValue.Flag => $"!!bool `{ManifestErrors.Shorten(scalar.Text, 32)}`",
            EnvironmentValue.Whole => $"!!int `{ManifestErrors.Shorten(scalar.Text, 32)}`",
            EnvironmentValue.Real => $"!!float `{ManifestErrors.Shorten(scalar.Text, 32)}`",
            _ => $"!!str `{ManifestErrors.Shorten(scalar.Text, 32)}`",
        },
        _ => "!!unknown",
    };
}
