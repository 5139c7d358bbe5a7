using System.Globalization;
using System.Text;
using Builds.Execution.Limits;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Slots;

/// <summary>The files of a slot, while no process of a build is alive in it.</summary>
/// <param name="spaces">Gives each build a disk of its own; null: it has a directory.</param>
internal sealed class Workspace(Slot slot, GuardProgram program, BuildSpaces? spaces)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>An empty disk, or an empty home that belongs to the build.</summary>
    public async Task Create()
    {
        await Remove();
        Directory.CreateDirectory(slot.Place);
        if (spaces is not null)
        {
            spaces.Create(slot);
            return;
        }
        Directory.CreateDirectory(slot.Home, Private);
        HandOver(slot.Home);
    }

    /// <summary>The user and group files that are shown inside: the machine's, and one user more, <c>build</c>.</summary>
    public void WriteUserFiles(uint user)
    {
        Write(slot.Passwd, Names("/etc/passwd", user, $"build:x:{user}:{user}:build:{BuildScripts.Home}:/bin/bash"));
        Write(slot.Group, Names("/etc/group", user, $"build:x:{user}:"));
    }

    /// <summary>
    /// Removes all that a build left, whatever it made of it. Throws <see cref="IOException"/> if something stays.
    /// </summary>
    public async Task Remove()
    {
        if (File.Exists(slot.Space)) File.Delete(slot.Space);
        if (!Directory.Exists(slot.Place)) return;
        var end = await program.Wipe(slot.Place);
        if (end.Code != 0) throw new IOException($"The files of slot {slot.Number} cannot be removed: {end.Words}");
    }

    /// <summary>Moves all that was changed in an image to a new directory. Throws <see cref="IOException"/> if that fails.</summary>
    public async Task Keep(string layer)
    {
        // Not ours, and so not ours to move, where the silo is not root.
        var (path, words) = program.AsRootOfImages("/bin/mv", Path.Combine(slot.Place, "upper"), layer);
        var end = await Tool.Run(path, [.. words]);
        if (end.Code != 0) throw new IOException($"What was changed in {slot.Place} cannot be kept as {layer}: {end.Words}");
    }

    private static byte[] Names(string file, uint user, string line)
    {
        var others = File.ReadLines(file).Where(l => l.Split(':') is [var name, _, var number, ..]
            && name != "build" && number != user.ToString(CultureInfo.InvariantCulture));
        return Encoding.UTF8.GetBytes(string.Join('\n', others.Append(line)) + "\n");
    }

    private static void Write(string path, byte[] bytes)
    {
        using (var file = File.Open(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Readable }))
            file.Write(bytes);
        File.SetUnixFileMode(path, Readable);
    }

    private void HandOver(string path)
    {
        File.SetUnixFileMode(path, Private);
        // Where the silo is not root, the user is an image's, and takes over what is his when he comes (Init/enter.h).
        if (SandboxMachine.IsRoot && slot.User is { } user && Libc.ChangeOwner(path, user, user) < 0)
            throw new IOException($"{path} cannot be given to user {user}: {System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage()}.");
    }
}
