using System.Xml.Linq;
using Builds.Cluster;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace Builds.Secrets;

/// <summary>Keys in files of a directory that only its owner may enter; each is on disk before anything is sealed with it.</summary>
internal sealed class FileKeys(string directory) : IXmlRepository
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public IReadOnlyCollection<XElement> GetAllElements() => [.. Read(directory).Select(key => XElement.Parse(key.Xml))];

    public void StoreElement(XElement element, string friendlyName)
    {
        Directory.CreateDirectory(directory, OwnerOnly);
        DurableFile.SyncDirectories(directory, Path.GetDirectoryName(directory)!);
        DurableFile.Add(Path.Combine(directory, friendlyName + ".xml"), element.ToString(SaveOptions.DisableFormatting));
    }

    /// <summary>The names and texts of all keys in a directory, which need not be there.</summary>
    public static IEnumerable<(string Name, string Xml)> Read(string directory) => Directory.Exists(directory)
        ? Directory.EnumerateFiles(directory, "*.xml").Order(StringComparer.Ordinal).Select(file => (Path.GetFileNameWithoutExtension(file), File.ReadAllText(file)))
        : [];
}
