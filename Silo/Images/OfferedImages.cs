using System.Collections.Frozen;
using System.Collections.Immutable;
using Builds.Execution.Sandbox;
using Microsoft.Extensions.Options;

namespace Builds.Images;

/// <summary>Where an image comes from.</summary>
internal enum ImageOrigin
{
    /// <summary><c>builds image add</c>.</summary>
    Added,
    /// <summary><see cref="ImageOptions.Own"/>.</summary>
    Settings,
    /// <summary><see cref="KnownImages"/>.</summary>
    Known,
    /// <summary>The settings of another time: it is there, and not on offer.</summary>
    Dropped,
}

/// <summary>An image that builds may name on this machine.</summary>
/// <param name="Made">Null: the first build that wants it makes it by <paramref name="Order"/>.</param>
/// <param name="Order">Null for one that was added or dropped.</param>
internal sealed record OfferedImage(string Name, ImageOrigin Origin, Image? Made, ImageOrder? Order)
{
    public ImageDriver Driver => Order?.Driver ?? Made!.Driver;
}

/// <summary>
/// What may be named here: the images of the settings, then those that were added, then the known ones. What was made by another order than the
/// one that counts now is made again.
/// </summary>
internal sealed class OfferedImages(ImageStore store, IOptions<ImageOptions> options)
{
    private readonly Lazy<FrozenDictionary<string, ImageOrder>> _own = new(() =>
        options.Value.Own.Select(one => one.Value.Order(one.Key)).ToFrozenDictionary(order => order.Name, StringComparer.Ordinal));

    private readonly bool _known = options.Value.Known && (SandboxMachine.IsRoot ? SandboxMachine.HasPodman : SandboxMachine.FindPodman() is not null);
    private Listing? _last;

    /// <summary>All of them and the dropped ones, by name. Asked at every heartbeat, and seldom different.</summary>
    public ImmutableArray<OfferedImage> List()
    {
        var made = store.List();
        if (_last is { } last && last.Made == made) return last.Images;
        var names = made.Select(image => image.Name).Concat(_own.Value.Keys).Concat(_known ? KnownImages.References.Keys : []).Distinct().Order(StringComparer.Ordinal);
        ImmutableArray<OfferedImage> images = [.. names.Select(name => Of(name, made.FirstOrDefault(image => image.Name == name)))];
        _last = new Listing(made, images);
        return images;
    }

    /// <summary>The names that manifests may use, other names of images among them.</summary>
    public ImmutableArray<string> Names(SandboxMachine machine)
    {
        var images = List().Where(image => IsUsable(image, machine)).Select(image => image.Name).ToList();
        return [Image.Host, .. images.SelectMany(name => KnownImages.NamesOf(name, images))];
    }

    /// <summary>The image that a name means, on offer or not; null if there is none.</summary>
    public OfferedImage? Find(string name)
    {
        var images = List();
        return images.FirstOrDefault(image => image.Name == name) ?? (KnownImages.Alias(name) is { } other ? images.FirstOrDefault(image => image.Name == other) : null);
    }

    /// <summary>The one that a manifest means; null if none of that name is on offer.</summary>
    public OfferedImage? Find(string name, SandboxMachine machine) => Find(name) is { } found && IsUsable(found, machine) ? found : null;

    /// <summary>Why nothing runs an image here; null: something does.</summary>
    public static string? WhyNot(OfferedImage image, SandboxMachine machine) => (image.Made is { } made ? machine.DriverOf(made) : machine.DriverOf(image.Driver)).Why;

    private static bool IsUsable(OfferedImage image, SandboxMachine machine) => image.Origin != ImageOrigin.Dropped && WhyNot(image, machine) is null;

    private OfferedImage Of(string name, Image? made)
    {
        if (_own.Value.TryGetValue(name, out var own)) return new(name, ImageOrigin.Settings, made?.Order == own ? made : null, own);
        if (made is { Order: null }) return new(name, ImageOrigin.Added, made, null);
        if (!_known || KnownImages.OrderOf(name) is not { } known) return new(name, ImageOrigin.Dropped, made, null);
        return new(name, ImageOrigin.Known, made?.Order == known ? made : null, known);
    }

    private sealed record Listing(ImmutableArray<Image> Made, ImmutableArray<OfferedImage> Images);
}
