using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Builds.Images;

/// <summary>The images that this machine offers before anybody added them: the first build that wants one makes it.</summary>
public sealed class ImageOptions : IValidatableObject
{
    public const string Section = "Builds:Images";

    /// <summary>
    /// Whether the usual names are on offer, where podman is there: <c>alpine/latest</c>, <c>debian/stable</c> and their like. Right
    /// where their registries are reached; elsewhere a build that names one waits for that and fails in setup.
    /// </summary>
    public bool Known { get; set; } = true;

    /// <summary>
    /// Images of your own by name, and others than the usual ones for their names: for each <c>Oci</c> or <c>RootFs</c>, and what else
    /// <c>builds image add</c> takes. Default: none.
    /// </summary>
    public Dictionary<string, ImageSetting> Own { get; set; } = new(StringComparer.Ordinal);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (key, setting) in Own)
            foreach (var mistake in setting.Mistakes(key))
                yield return new ValidationResult($"{Section}:{nameof(Own)}:{key}: {mistake}");
        foreach (var twice in Own.GroupBy(one => one.Value.NameOr(one.Key), StringComparer.Ordinal).Where(group => group.Count() > 1))
            yield return new ValidationResult($"{Section}:{nameof(Own)}: {string.Join(" and ", twice.Select(one => one.Key))} are both called '{twice.Key}'; a name has one image");
    }
}

/// <summary>One image of the settings.</summary>
public sealed class ImageSetting
{
    /// <summary>As manifests name it. Default: its key, which in the environment cannot have a slash.</summary>
    public string? Name { get; set; }
    /// <summary>An image of a registry, or whatever else <c>podman pull</c> takes.</summary>
    public string? Oci { get; set; }
    /// <summary>A directory, or an archive for tar.</summary>
    public string? RootFs { get; set; }
    /// <summary>What runs its builds. Default: podman for <see cref="Oci"/>, bubblewrap for <see cref="RootFs"/>.</summary>
    public ImageDriver? Driver { get; set; }
    public ImageNetwork Network { get; set; }
    /// <summary>A file that is put before every task instead of the usual lines.</summary>
    public string? Preamble { get; set; }
    /// <summary>A shell command that installs packages, which are its arguments.</summary>
    public string? Install { get; set; }
    /// <summary>Nothing is installed into it.</summary>
    public bool Plain { get; set; }

    internal string NameOr(string key) => Name ?? key;

    internal IEnumerable<string> Mistakes(string key)
    {
        var name = NameOr(key);
        if (Image.Mistake(name) is { } mistake) yield return mistake;
        if (Oci is not null && RootFs is not null)
            yield return $"it has Oci '{Oci}' and RootFs '{RootFs}'; an image is made of one of them";
        if (Oci is null && RootFs is null && !KnownImages.References.ContainsKey(name))
            yield return $"it has neither Oci nor RootFs, and '{name}' is none of the usual names, which need none: {string.Join(", ", KnownImages.References.Keys.Order(StringComparer.Ordinal))}";
        if (RootFs is { } root && !Path.IsPathRooted(root))
            yield return $"RootFs '{root}' must be an absolute path, so that it means the same wherever the silo is started";
        if (Preamble is { } file && !(Path.IsPathRooted(file) && File.Exists(file)))
            yield return $"Preamble '{file}' must be the absolute path of a file that is there";
    }

    /// <summary>What it asks for. Throws <see cref="IOException"/> if the preamble cannot be read.</summary>
    internal ImageOrder Order(string key)
    {
        var oci = RootFs is null ? Oci ?? KnownImages.References[NameOr(key)] : null;
        return new ImageOrder
        {
            Name = NameOr(key),
            Driver = Driver ?? ImageOrder.DriverFor(oci),
            RootFs = RootFs,
            Oci = oci,
            Network = Network,
            Preamble = Preamble is { } file ? File.ReadAllText(file) : null,
            Install = Install,
            Plain = Plain,
        };
    }
}

/// <summary>What is written wrong below <see cref="ImageOptions.Own"/> must not be taken for a default: that of the network, for one, lets a build reach much.</summary>
internal sealed class ImageSettingKeys(IConfiguration configuration) : IValidateOptions<ImageOptions>
{
    private static readonly string[] Known = [.. typeof(ImageSetting).GetProperties().Select(property => property.Name)];

    public ValidateOptionsResult Validate(string? name, ImageOptions options)
    {
        var images = configuration.GetSection($"{ImageOptions.Section}:{nameof(ImageOptions.Own)}").GetChildren().ToList();
        var mistakes = images.Where(image => !image.GetChildren().Any()).Select(image => $"{image.Path} says nothing; it takes {string.Join(", ", Known)}")
            .Concat(images.SelectMany(image => image.GetChildren()).Where(key => !Known.Contains(key.Key, StringComparer.OrdinalIgnoreCase)).Select(key => $"{key.Path} is no setting of an image; there are {string.Join(", ", Known)}"))
            .ToList();
        // What cannot be read is left out of a dictionary without a word; here it throws, with key and value.
        foreach (var image in images) image.Get<ImageSetting>();
        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);
    }
}
