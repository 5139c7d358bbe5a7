using System.Globalization;
using System.Text.Json;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;
using Builds.Support;
using Builds.Tests;
using Microsoft.Extensions.Options;

namespace Builds.Execution.Places;

/// <summary>Skipped where the tools are missing, but never in CI.</summary>
internal sealed class OrdinaryUserFactAttribute : FactAttribute
{
    public OrdinaryUserFactAttribute() =>
        Skip = TestImages.Missing ?? (Needs.Ci || (File.Exists("/usr/bin/newuidmap") && File.Exists("/usr/bin/slirp4netns")) ? null : "needs newuidmap and slirp4netns: apt-get install uidmap slirp4netns");
}

/// <summary>An image for a silo that is an ordinary user, who has subordinate users. He is made up, in files that only his processes see.</summary>
public sealed class OrdinaryUserTests : IDisposable
{
    private const int User = 23456;
    private const uint FirstSubordinate = 1_700_000_000;

    /// <summary>What differs: whose the users are, which the place of root does not tell inside; and what apt and dpkg do as root.</summary>
    internal static IReadOnlyList<Case> Tried { get; } =
    [
        .. Cases.All.Where(one => one.HoldsIn(Place.DebianBubblewrap) && one.Name is not ("root is one of many outside" or "a flood of output" or "a thousand files" or "a hundred processes")),
        new("the silo's user is nobody inside", "awk '{ print $1, $3 }' /proc/self/uid_map; stat -c %u /run/builds/init", "0 65536\n65534\n"),
        new("names are resolved and the world is reached", "curl -s -o /dev/null -w '%{http_code}\\n' http://deb.debian.org/debian/dists/bookworm/Release", "200\n"),
        new("ports below 1024 are free", "perl -e 'use Socket; socket(S, AF_INET, SOCK_STREAM, 0); print bind(S, sockaddr_in(80, INADDR_ANY)) ? \"bound\" : $!'", "bound"),
        new("apt installs a package",
            "mkdir -p p/DEBIAN p/srv; printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: b\\nDescription: d\\n' >p/DEBIAN/control; echo x >p/srv/p; dpkg-deb --root-owner-group -b p /tmp/p.deb >/dev/null;"
            + " sudo apt-get -qq install /tmp/p.deb >out 2>&1 || cat out; stat -c '%U %s' /srv/p", "root 2\n"),
        new("processes are counted together", "ulimit -u", $"{ExecutionOptions.DefaultProcesses}\n"),
    ];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [OrdinaryUserFact]
    public async Task Builds_in_an_image_are_confined_and_nothing_of_them_is_left_after_kill_9()
    {
        var within = await Within((await TestImages.Shared()).Debian);
        var data = Path.Combine(_folder.Path, "data");
        var mark = new GuardProgram(Options.Create(new ExecutionOptions { DataDirectory = data })).Mark;
        await using (var silo = TestProgram.Within(within, User, "executor", "image", data, Surroundings.Root))
        {
            var printed = JsonSerializer.Deserialize<Dictionary<string, string>>(await silo.Line())!;
            Tried.Where(one => printed[one.Name] != one.Expected).Select(one => $"{one.Name}: {printed[one.Name]}").ShouldBeEmpty();
            (await silo.Line()).ShouldBe("up");
            HostileTree.Alive(token: data, mark).ShouldNotBeEmpty();
            Subordinates().ShouldNotBeEmpty();

            silo.Kill();
            await HostileTree.Gone(token: data, mark, TimeSpan.FromSeconds(10));
        }
        Subordinates().ShouldBeEmpty();

        await using var next = TestProgram.Within(within, User, "executor", "next", data);
        (await next.ToEnd()).ShouldBe("slots/0\n");
    }

    /// <summary>Processes of the users that images have, but for those that have ended and wait for somebody to hear it.</summary>
    private static IEnumerable<string> Subordinates() => Directory.EnumerateDirectories("/proc").Where(path =>
    {
        try
        {
            var status = File.ReadLines($"{path}/status").Select(line => line.Split('\t')).Where(words => words[0] is "State:" or "Uid:").Select(words => words[1]).ToList();
            return status is [var state, var user] && !state.StartsWith('Z') && uint.Parse(user, CultureInfo.InvariantCulture) is >= FirstSubordinate and < FirstSubordinate + 65536;
        }
        catch (IOException)
        {
            // No process, or one that ended while we looked.
            return false;
        }
    });

    /// <summary>The beginning of a command line in whose mounts the user is known, a root file system belongs to his subordinate users, and he may open /dev/net/tun.</summary>
    private async Task<string[]> Within(string root)
    {
        string Place(string name) => Path.Combine(_folder.Path, name);
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(Place("place"));
        Directory.CreateDirectory(Place("data"));
        Libc.ChangeOwner(Place("data"), User, User).ShouldBe(0);
        await File.WriteAllTextAsync(Place("passwd"), await File.ReadAllTextAsync("/etc/passwd") + $"\nordinary:x:{User}:{User}::{Place("data")}:/bin/sh\n");
        await File.WriteAllTextAsync(Place("subordinates"), $"ordinary:{FirstSubordinate}:65536\n");
        return
        [
            new GuardProgram(Options.Create(new ExecutionOptions { DataDirectory = Place("tools") })).Init, "enter", $"base={FirstSubordinate}", $"at={Path.GetDirectoryName(Surroundings.Root)}", $"place={Place("place")}", $"layer={root}", "--",
            "/bin/sh", "-ec",
            """
            [ -e "$0/tun" ] || mknod -m 666 "$0/tun" c 10 200
            for file in passwd:passwd subordinates:subuid subordinates:subgid; do : >>"/etc/${file#*:}"; mount --bind "$0/${file%:*}" "/etc/${file#*:}"; done
            mount --bind "$0/tun" /dev/net/tun
            exec "$@"
            """,
            _folder.Path,
        ];
    }
}
