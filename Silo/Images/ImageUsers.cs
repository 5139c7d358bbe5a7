using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>User <c>build</c> in an image: as it is there, or added in a layer of its own. Needs no program of the image.</summary>
internal static class ImageUsers
{
    private const string Name = "build";
    private const string Home = "/home/build";

    /// <summary>Writes into <paramref name="layer"/> what is needed for a user <c>build</c> who may become root; his number.</summary>
    /// <param name="stock">The root file system that the layer lies over.</param>
    /// <param name="shadow">The lines of its shadow file; empty: it has none.</param>
    public static uint Add(string stock, string layer, IReadOnlyList<string> shadow)
    {
        var users = Lines(stock, "etc/passwd");
        var known = users.Select(line => line.Split(':')).FirstOrDefault(fields => fields[0] == Name && fields.Length > 2);
        if (known is null || !uint.TryParse(known[2], out var user))
        {
            var taken = Numbers(users).Concat(Numbers(Lines(stock, "etc/group"))).ToHashSet();
            user = Image.DefaultUser;
            while (taken.Contains(user)) user++;
            var shell = File.Exists(RealPath.In(stock, "/bin/bash")) || File.Exists(RealPath.In(stock, "/usr/bin/bash")) ? "/bin/bash" : "/bin/sh";
            // An 'x' means that file, and without it the account is no account to sudo.
            var password = shadow.Count > 0 ? "x" : "*";
            Write(layer, "etc/passwd", [.. users.DefaultIfEmpty("root:x:0:0:root:/root:/bin/sh"), $"{Name}:{password}:{user}:{user}:{Name}:{Home}:{shell}"], Readable);
            Write(layer, "etc/group", [.. Lines(stock, "etc/group").DefaultIfEmpty("root:x:0:"), $"{Name}:x:{user}:"], Readable);
            if (shadow.Count > 0) Write(layer, "etc/shadow", [.. shadow, $"{Name}:!:19000:0:99999:7:::"], Secret);
        }
        Write(layer, "etc/sudoers.d/build", [$"{Name} ALL=(ALL:ALL) NOPASSWD: ALL"], UnixFileMode.UserRead | UnixFileMode.GroupRead);
        // In many images a link to what runs only on a machine that was started; the machine's own is shown there.
        Write(layer, "etc/resolv.conf", [], Readable);
        Directory.CreateDirectory(Path.Combine(layer, Home.TrimStart('/')));
        return user;
    }

    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Readable = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static IEnumerable<uint> Numbers(IEnumerable<string> lines) =>
        lines.Select(line => line.Split(':')).Where(fields => fields.Length > 2).Select(fields => uint.TryParse(fields[2], out var number) ? number : 0);

    private static List<string> Lines(string root, string path) =>
        File.Exists(RealPath.In(root, path)) ? [.. File.ReadLines(RealPath.In(root, path)).Where(line => line.Length > 0)] : [];

    private static void Write(string layer, string path, IEnumerable<string> lines, UnixFileMode mode)
    {
        var file = Path.Combine(layer, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, string.Join('\n', lines) + "\n");
        File.SetUnixFileMode(file, mode);
    }
}
