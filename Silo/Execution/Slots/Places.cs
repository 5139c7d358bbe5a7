using System.Collections.Concurrent;

namespace Builds.Execution.Slots;

/// <summary>
/// The numbers of the places on this machine that builds have: directory, users, network, control group. A build has the place of its worker's
/// slot, unless what an earlier build left is still parked there: then one beyond the slots. Thread safe.
/// </summary>
internal sealed class Places(int slots)
{
    private readonly ConcurrentDictionary<int, string> _taken = [];

    /// <summary>The taken ones, and the names of the guards in them.</summary>
    public IReadOnlyDictionary<int, string> Taken => _taken;

    /// <summary>Takes a place for a build of a slot.</summary>
    /// <param name="name">Of its guard, for the number of the place.</param>
    public (int Number, string Name) Take(int slot, Func<int, string> name)
    {
        for (int number = slot, next = slots; ; number = next++)
            if (name(number) is var named && _taken.TryAdd(number, named)) return (number, named);
    }

    /// <summary>Keeps a place for what is no build, from now on.</summary>
    public void Reserve(int number, string name) => _taken[number] = name;

    /// <summary>Nothing is left in it.</summary>
    public void Free(int number) => _taken.TryRemove(number, out _);
}
