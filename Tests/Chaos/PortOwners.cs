using System.Globalization;

namespace Builds.Tests.Chaos;

/// <summary>Finds the process that holds an end of a TCP connection of this machine.</summary>
internal static class PortOwners
{
    private const int LocalAddress = 1, Inode = 9;

    /// <summary>Which of these processes holds the port; null: none of them.</summary>
    public static string? Of(int port, IEnumerable<(string Name, int Process)> candidates)
    {
        var sockets = Tables().SelectMany(File.ReadLines).Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > Inode && fields[LocalAddress].EndsWith(string.Create(CultureInfo.InvariantCulture, $":{port:X4}"), StringComparison.Ordinal))
            .Select(fields => $"socket:[{fields[Inode]}]").ToHashSet(StringComparer.Ordinal);
        return candidates.FirstOrDefault(candidate => Holds(candidate.Process, sockets)).Name;
    }

    private static IEnumerable<string> Tables() => new[] { "/proc/net/tcp", "/proc/net/tcp6" }.Where(File.Exists);

    private static bool Holds(int process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{process}/fd").Any(file => File.ResolveLinkTarget(file, returnFinalTarget: false) is { } target && sockets.Contains(target.Name));
        }
        catch (IOException)
        {
            // The process ends, or closes files, while we look.
            return false;
        }
    }
}
