using System.Collections.Immutable;
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
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly string _directory = RealPath.Of(directory);
    private (DateTime Changed, ImmutableArray<Image> Images) _known = (DateTime.MinValue, []);

    /// <summary>All images, by name.</summary>
    public ImmutableArray<Image> List()
    {
        // Adding and removing an image is a rename in this directory, which its time tells.
        var changed = Directory.GetLastWriteTimeUtc(_directory);
        var known = _known;
        if (known.Changed == changed) return known.Images;
        ImmutableArray<Image> images = Directory.Exists(_directory)
            ? [.. Directory.EnumerateDirectories(_directory).Where(d => !Path.GetFileName(d).StartsWith('.')).Select(d => Path.Combine(d, FileName)).Where(File.Exists).Select(Read).OfType<Image>().OrderBy(i => i.Name, StringComparer.Ordinal)]
            : [];
        _known = (changed, images);
        return images;
    }

    /// <summary>The image that a manifest means; null if there is none of that name here.</summary>
    public Image? Find(string name) => List().FirstOrDefault(image => image.Name == name) ?? (KnownImages.Alias(name) is { } other ? List().FirstOrDefault(image => image.Name == other) : null);

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

    /// <summary>Where the layers of an image will lie once its draft is added.</summary>
    public string Final(string name) => Path.Combine(_directory, DirectoryOf(name));

    /// <summary>Makes a draft the image. Throws <see cref="IOException"/> if there is one of that name.</summary>
    public void Add(Image image, string draft)
    {
        File.WriteAllText(Path.Combine(draft, FileName), JsonSerializer.Serialize(image, Json));
        var final = Final(image.Name);
        if (Directory.Exists(final)) throw new IOException($"There is an image '{image.Name}' already: 'builds image remove {image.Name}' first, or choose another name.");
        Directory.Move(draft, final);
    }

    /// <summary>Takes an image off the list; its directory, which the caller deletes, or null if there was none of that name.</summary>
    public string? Remove(string name)
    {
        var final = Final(name);
        if (!File.Exists(Path.Combine(final, FileName))) return null;
        var removed = Path.Combine(_directory, $".removed-{Guid.NewGuid():N}");
        Directory.Move(final, removed);
        return removed;
    }

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

    [LoggerMessage(EventId = 1605, Level = LogLevel.Warning, Message = "{Path} is not the description of an image, and is left out: {Why}")]
    private partial void LogNotRead(string path, string why);
}
