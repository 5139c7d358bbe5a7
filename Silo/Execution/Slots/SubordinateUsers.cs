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
    private const uint Needed = 65536;
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
        return (First("/etc/subuid", name, number), First("/etc/subgid", name, number)) is ({ } user, { } group)
            ? (new SubordinateUsers(user, group, mappers), null)
            : (null, $"/etc/subuid and /etc/subgid do not both give {Needed} numbers to user {name}; to mend it, as root and with numbers that nobody has: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}");
    }

    private static uint? First(string file, string name, string number) => !File.Exists(file) ? null : File.ReadLines(file).Select(line => line.Split(':'))
        .Where(fields => fields.Length == 3 && (fields[0] == name || fields[0] == number) && uint.TryParse(fields[2], CultureInfo.InvariantCulture, out var count) && count >= Needed)
        .Select(fields => uint.TryParse(fields[1], CultureInfo.InvariantCulture, out var first) ? first : (uint?)null).FirstOrDefault(first => first is not null);
}
