using System.Text;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Slots;

/// <summary>The files of a slot, while no process of a build is alive in it.</summary>
internal sealed class Workspace(Slot slot, GuardProgram program)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Executable = Private | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>An empty home that belongs to the build.</summary>
    public async Task Create()
    {
        await Remove();
        Directory.CreateDirectory(slot.Home, Private);
        HandOver(slot.Home, Private);
    }

    /// <summary>A directory of the build, by its path in the home.</summary>
    public void AddDirectory(string path)
    {
        var full = Path.Combine(slot.Home, path);
        Directory.CreateDirectory(full, Executable);
        HandOver(full, Executable);
    }

    /// <summary>An executable text of the build, by its path in the home.</summary>
    public void AddScript(string path, string text)
    {
        var full = Path.Combine(slot.Home, path);
        Write(full, Encoding.UTF8.GetBytes(text), Executable);
        HandOver(full, Executable);
    }

    /// <summary>The user and group files that are shown inside: the machine's, and one user more, <c>build</c>.</summary>
    public void WriteUserFiles(uint user)
    {
        Write(slot.Passwd, Names("/etc/passwd", user, $"build:x:{user}:{user}:build:{BuildScripts.Home}:/bin/bash"), Readable);
        Write(slot.Group, Names("/etc/group", user, $"build:x:{user}:"), Readable);
    }

    /// <summary>
    /// Removes the home and all in it, whatever the build made of it. Throws <see cref="IOException"/> if something stays.
    /// </summary>
    public async Task Remove()
    {
        if (!Directory.Exists(slot.Home)) return;
        var end = await program.Wipe(slot.Home);
        if (end.Code != 0) throw new IOException($"The home of slot {slot.Number} cannot be removed: {end.Words}");
    }

    private static byte[] Names(string file, uint user, string line)
    {
        var others = File.ReadLines(file).Where(l => l.Split(':') is [var name, _, var number, ..]
            && name != "build" && number != user.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return Encoding.UTF8.GetBytes(string.Join('\n', others.Append(line)) + "\n");
    }

    private static void Write(string path, byte[] bytes, UnixFileMode mode)
    {
        using (var file = File.Open(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = mode }))
            file.Write(bytes);
        File.SetUnixFileMode(path, mode);
    }

    private void HandOver(string path, UnixFileMode mode)
    {
        File.SetUnixFileMode(path, mode);
        if (slot.User is { } user && Libc.ChangeOwner(path, user, user) < 0)
            throw new IOException($"{path} cannot be given to user {user}: {System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage()}.");
    }
}
