using System.Globalization;
using Builds.Execution.Native;

namespace Builds.Execution.Slots;

/// <summary>
/// The users of this machine that belong to an ordinary user beside his own (subuid(5)): the users inside the images of a silo that is not root. All
/// of its slots have the same ones.
/// </summary>
/// <param name="FirstUser">The number of root on disk.</param>
/// <param name="Mappers">The directory of newuidmap and newgidmap, which enter them.</param>
internal sealed record SubordinateUsers(uint FirstUser, uint FirstGroup, string Mappers)
{
    private const string UserFile = "/etc/subuid", GroupFile = "/etc/subgid";
    private const uint Needed = 65536;

    /// <summary>Where the numbers begin that distributions give out.</summary>
    private const uint Usual = 100_000;
    private static readonly string[] MapperPlaces = ["/usr/bin", "/usr/local/bin", "/run/wrappers/bin", "/bin"];

    /// <summary>The words for <c>init enter</c> (Init/enter.h) that make us root of them.</summary>
    public IEnumerable<string> Words =>
    [
        string.Create(CultureInfo.InvariantCulture, $"uids={FirstUser}"), string.Create(CultureInfo.InvariantCulture, $"gids={FirstGroup}"), $"mappers={Mappers}",
    ];

    /// <summary>Those of the user that this process is, or null and why there are none, with what mends it. Root has none and needs none.</summary>
    public static (SubordinateUsers? Users, string? Why) Find()
    {
        if (Libc.EffectiveUser() == 0) return (null, "this silo is root");
        if (MapperPlaces.FirstOrDefault(place => File.Exists(Path.Combine(place, "newuidmap")) && File.Exists(Path.Combine(place, "newgidmap"))) is not { } mappers)
            return (null, "newuidmap is not installed; to mend it: apt-get install uidmap");
        var (name, number) = (Environment.UserName, Libc.EffectiveUser().ToString(CultureInfo.InvariantCulture));
        return (First(UserFile, name, number), First(GroupFile, name, number)) is ({ } user, { } group)
            ? (new SubordinateUsers(user, group, mappers), null)
            : (null, $"{UserFile} and {GroupFile} do not both give {Needed} numbers to user {name}; to mend it, as root: {Mend(name)}");
    }

    private static uint? First(string file, string name, string number) =>
        Ranges(file).Where(range => (range.Owner == name || range.Owner == number) && range.Count >= Needed).Select(range => (uint?)range.First).FirstOrDefault();

    private static string Mend(string name)
    {
        var free = Ranges(UserFile).Concat(Ranges(GroupFile)).Select(range => range.First + range.Count).Append(Usual).Max();
        return string.Create(CultureInfo.InvariantCulture, $"usermod --add-subuids {free}-{free + Needed - 1} --add-subgids {free}-{free + Needed - 1} {name}");
    }

    private static IEnumerable<(string Owner, uint First, uint Count)> Ranges(string file)
    {
        if (!File.Exists(file)) yield break;
        foreach (var line in File.ReadLines(file))
            if (line.Split(':') is [var owner, var first, var count] && uint.TryParse(first, CultureInfo.InvariantCulture, out var from) && uint.TryParse(count, CultureInfo.InvariantCulture, out var many))
                yield return (owner, from, many);
    }
}
