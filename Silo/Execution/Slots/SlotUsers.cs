using System.Globalization;
using Microsoft.Extensions.Options;

namespace Builds.Execution.Slots;

/// <summary>
/// Gives each slot of a silo that is root a user of its own, which no other silo of this machine has at the same time: a lock
/// on a file named after the user says so, and the system drops it with the process.
/// </summary>
internal sealed class SlotUsers(IOptions<ExecutionOptions> options) : IDisposable
{
    private const string Locks = "/run/builds-users";
    private readonly Lock _gate = new();
    private readonly Dictionary<int, uint> _users = [];
    private readonly List<FileStream> _held = [];
    private int _next = options.Value.FirstUser;

    /// <summary>The user of a slot, the same on every call. Throws <see cref="IOException"/> when all are taken.</summary>
    public uint UserOf(int slot)
    {
        lock (_gate)
        {
            if (_users.TryGetValue(slot, out var user)) return user;
            return _users[slot] = Take();
        }
    }

    /// <summary>The first of the users that an image has in a slot of that user.</summary>
    public uint FirstMapped(uint user) => (uint)options.Value.FirstMappedUser + (user - (uint)options.Value.FirstUser) * 65536;

    /// <summary>Holds a user that is nobody's at this moment: in our range, and no silo of this machine has it, nor takes it until what is returned is disposed. Null: somebody has it.</summary>
    public IDisposable? Hold(uint user)
    {
        lock (_gate)
        {
            if (user < options.Value.FirstUser || user >= options.Value.FirstUser + options.Value.UserCount || !TryLock((int)user)) return null;
            var held = _held[^1];
            _held.RemoveAt(_held.Count - 1);
            return held;
        }
    }

    public void Dispose()
    {
        foreach (var file in _held) file.Dispose();
    }

    private uint Take()
    {
        var taken = NamedUsers();
        Directory.CreateDirectory(Locks, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var (first, count) = (options.Value.FirstUser, options.Value.UserCount);
        for (; _next < first + count; _next++)
        {
            if (taken.Contains(_next) || !TryLock(_next)) continue;
            return (uint)_next++;
        }
        throw new IOException(
            $"No user is left for a slot: {first} to {first + count - 1} are in /etc/passwd or in use by other silos of this machine. " +
            $"Set {ExecutionOptions.Section}:{nameof(ExecutionOptions.FirstUser)} to a free range.");
    }

    private bool TryLock(int user)
    {
        try
        {
            _held.Add(new FileStream(Path.Combine(Locks, user.ToString(CultureInfo.InvariantCulture)), FileMode.OpenOrCreate,
                FileAccess.ReadWrite, FileShare.None, bufferSize: 1));
            return true;
        }
        catch (IOException)
        {
            // Another silo holds it.
            return false;
        }
    }

    private static HashSet<int> NamedUsers() =>
        [.. File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length > 2)
            .Select(fields => int.TryParse(fields[2], CultureInfo.InvariantCulture, out var user) ? user : -1)];
}
