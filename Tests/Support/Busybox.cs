using Builds.Execution.Sandbox;

namespace Builds.Support;

/// <summary>The smallest root file system there is: Debian's static busybox and links to it.</summary>
internal static class Busybox
{
    public const string Program = "/bin/busybox";

    private const UnixFileMode Executable = (UnixFileMode)0b111_101_101, OpenToAll = (UnixFileMode)0b1_111_111_111;

    /// <summary>Makes it in a directory that is not there yet, as root. Returns that.</summary>
    public static async Task<string> MakeRoot(string root)
    {
        foreach (var directory in new[] { "bin", "etc", "tmp", "proc", "dev", "sys", "run", "var/tmp" }) Directory.CreateDirectory(Path.Combine(root, directory));
        foreach (var open in new[] { "tmp", "var/tmp" }) File.SetUnixFileMode(Path.Combine(root, open), OpenToAll);
        var program = Path.Combine(root, "bin", "busybox");
        File.Copy(Program, program);
        File.SetUnixFileMode(program, Executable);
        var end = await Tool.Run("/usr/sbin/chroot", root, Program, "--install", "-s", "/bin");
        return end.Code == 0 ? root : throw new IOException($"busybox --install: {end.Words}");
    }
}
