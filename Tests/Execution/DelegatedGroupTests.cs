using System.Globalization;
using Builds.Execution.Limits;
using Builds.Tests;

namespace Builds.Execution;

/// <summary>Which control group a silo divides that is an ordinary user, in a tree of files that stands for the kernel's.</summary>
public sealed class DelegatedGroupTests : IDisposable
{
    private const int Process = 4321;
    private readonly TempFolder _mount = new();

    public void Dispose() => _mount.Dispose();

    [Fact]
    public void A_unit_of_its_own_that_is_delegated_is_divided_and_the_silo_steps_aside()
    {
        Group("system.slice/builds.service", members: $"{Process}", controllers: "cpu memory pids", given: "");

        Find("system.slice/builds.service").ShouldBe("system.slice/builds.service");
        File.ReadAllText(Path.Combine(_mount.Path, "system.slice/builds.service/silo/cgroup.procs")).ShouldBe($"{Process}");
        Group("system.slice/builds.service", members: "", controllers: "cpu memory pids", given: "memory pids");
        Find("system.slice/builds.service/silo").ShouldBe("system.slice/builds.service");
    }

    [Fact]
    public void From_a_terminal_it_is_the_group_of_the_users_own_services()
    {
        Group("user.slice/user@1000.service", members: "", controllers: "memory pids", given: "memory pids");
        Group("user.slice/user@1000.service/app.slice", members: "", controllers: "memory pids", given: "");
        Group("user.slice/user@1000.service/app.slice/terminal.scope", members: $"17\n{Process}", controllers: "memory pids", given: "");

        Find("user.slice/user@1000.service/app.slice/terminal.scope").ShouldBe("user.slice/user@1000.service");
        Directory.GetDirectories(Path.Combine(_mount.Path, "user.slice/user@1000.service/app.slice/terminal.scope")).ShouldBeEmpty();
    }

    [Fact]
    public void There_is_none_where_nothing_may_be_written_or_nothing_can_be_limited()
    {
        Directory.CreateDirectory(Path.Combine(_mount.Path, "user.slice/session-3.scope"));
        Group("mine", members: $"{Process}", controllers: "cpuset", given: "");

        Find("user.slice/session-3.scope").ShouldBeNull();
        Find("mine").ShouldBeNull();
        DelegatedGroup.Find(_mount.Path, "8:pids:/x\n0::/\n", Process).ShouldBeNull();
        DelegatedGroup.Find(_mount.Path, "8:pids:/mine\n", Process).ShouldBeNull();
    }

    private string? Find(string own) =>
        DelegatedGroup.Find(_mount.Path, string.Create(CultureInfo.InvariantCulture, $"0::/{own}\n"), Process) is { } found ? Path.GetRelativePath(_mount.Path, found) : null;

    private void Group(string path, string members, string controllers, string given)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_mount.Path, path)).FullName;
        File.WriteAllText(Path.Combine(directory, "cgroup.procs"), members);
        File.WriteAllText(Path.Combine(directory, "cgroup.controllers"), controllers);
        File.WriteAllText(Path.Combine(directory, "cgroup.subtree_control"), given);
    }
}
