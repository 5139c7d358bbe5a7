using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>
/// The images in one directory. Commands and silos use it at the same time: an image is there when its file is, whole, and a silo
/// offers it from its next heartbeat on.
/// </summary>
internal sealed partial class ImageStore(string directory, ILogger<ImageStore> logger)
{
    private const string FileName = "image.json";
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly string _directory = RealPath.Of(directory);
    private Listing? _known;

    /// <summary>All images, by name.</summary>
    public ImmutableArray<Image> List()
    {
        // Adding and removing an image is a rename in this directory, which its time tells.
        var changed = Directory.GetLastWriteTimeUtc(_directory);
        if (_known is { } known && known.Changed == changed) return known.Images;
        ImmutableArray<Image> images = Directory.Exists(_directory)
            ? [.. Directory.EnumerateDirectories(_directory).Where(d => !Path.GetFileName(d).StartsWith('.')).Select(d => Path.Combine(d, FileName)).Where(File.Exists).Select(Read).OfType<Image>().OrderBy(i => i.Name, StringComparer.Ordinal)]
            : [];
        // A change a moment later may bear the same time.
        if (TimeProvider.System.GetUtcNow().UtcDateTime - changed > Tick) _known = new Listing(changed, images);
        return images;
    }

    /// <summary>The directory of an image that is being made; it becomes the image's by <see cref="Add"/>.</summary>
    public string Draft(string name)
    {
        Directory.CreateDirectory(_directory);
        // A build's root is below it: nobody else of this machine has to get there.
        File.SetUnixFileMode(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var draft = Path.Combine(_directory, $".{DirectoryOf(name)}.{Environment.ProcessId}");
        Directory.CreateDirectory(draft);
        return draft;
    }

    /// <summary>Throws <see cref="IOException"/> if there is an image of that name.</summary>
    public void MustBeFree(string name)
    {
        if (Directory.Exists(Final(name))) throw new IOException($"There is an image '{name}' already: 'builds image remove {name}' first, or choose another name.");
    }

    /// <summary>Makes a draft, with layers in it, the image. Throws <see cref="IOException"/> if there is one of that name.</summary>
    public Image Add(Image image, string draft)
    {
        var final = Final(image.Name);
        string Moved(string layer) => RealPath.IsWithin(layer, draft) ? final + layer[draft.Length..] : layer;
        image = image with
        {
            Layers = [.. image.Layers.Select(Moved)],
            Derived = image.Derived is { } made ? made with { Directory = Moved(made.Directory) } : null,
        };
        File.WriteAllText(Path.Combine(draft, FileName), JsonSerializer.Serialize(image, Json));
        MustBeFree(image.Name);
        Directory.Move(draft, final);
        return image;
    }

    /// <summary>Takes an image off the list; its directory, which the caller deletes, or null if there was none of that name.</summary>
    public string? Remove(string name)
    {
        var final = Final(name);
        if (!File.Exists(Path.Combine(final, FileName))) return null;
        var removed = Path.Combine(_directory, $".removed-{Guid.NewGuid():N}.{Environment.ProcessId}");
        Directory.Move(final, removed);
        return removed;
    }

    /// <summary>What makers of this directory left that were killed: drafts, and images that were being removed.</summary>
    /// <param name="isStart">This process has made nothing yet, so what bears its number is another one's of before.</param>
    public IEnumerable<string> Leftovers(bool isStart) => !Directory.Exists(_directory) ? [] : Directory.EnumerateDirectories(_directory, ".*").Where(path =>
        int.TryParse(Path.GetExtension(path).TrimStart('.'), CultureInfo.InvariantCulture, out var process)
        && (process == Environment.ProcessId ? isStart : !Directory.Exists($"/proc/{process}")));

    private string Final(string name) => Path.Combine(_directory, DirectoryOf(name));

    /// <summary>Names hold slashes, which directories cannot, and no comma.</summary>
    private static string DirectoryOf(string name) => name.Replace('/', ',');

    // One that cannot be read must not take the others along, nor the silo.
    private Image? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<Image>(File.ReadAllText(path), Json);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            LogNotRead(path, e.Message);
            return null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Removed a moment ago.
            return null;
        }
    }

    private sealed record Listing(DateTime Changed, ImmutableArray<Image> Images);

    [LoggerMessage(EventId = 1605, Level = LogLevel.Warning, Message = "{Path} is not the description of an image, and is left out: {Why}")]
    private partial void LogNotRead(string path, string why);
}
