using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Limits;
using Builds.Execution.Slots;
using Builds.Images;

namespace Builds.Execution.Sandbox;

/// <summary>Where one build runs, and in what.</summary>
/// <param name="Image">Null: this machine's own system.</param>
/// <param name="Remarks">For its setup log.</param>
internal sealed record Placement(
    ISandboxDriver Driver, Slot Slot, Image? Image, Workspace Workspace, Surroundings Surroundings, BuildLimits Limits,
    ControlGroups? Groups, string GroupName, ImmutableArray<string> Remarks)
{
    public string Home => Driver.HomeInside(Slot);

    /// <summary>The command line that starts its guard.</summary>
    public (string Program, ImmutableArray<string> Arguments) Command(TimeSpan lease, string name) =>
        Driver.Command(new SandboxOrder(Slot, Image, lease, name, Surroundings));

    /// <summary>A command of the build, in its home.</summary>
    public GuardOrder Order(params string[] command) => new()
    {
        Arguments = command,
        Directory = Home,
        Environment = BuildEnvironment.Of(Home, Driver.ToolsInside),
    };

    /// <summary>A command of root, where there is one.</summary>
    public static GuardOrder RootOrder(params string[] command) => new()
    {
        Arguments = command,
        Directory = "/",
        Environment = BuildEnvironment.OfRoot,
        AsRoot = true,
    };

    /// <summary>Writes a text of the build, by its path in the home or an absolute one, and the directories above it; the exit status is the errno.</summary>
    public GuardOrder FileOrder(string path, string text, int mode) =>
        Order(path.StartsWith('/') ? path : $"{Home}/{path}", Convert.ToString(mode, 8), text) with { WritesFile = true };

    /// <summary>Lets people in where a build has used up all that it may have: a little more than that, for their shells.</summary>
    public void MakeRoomForShells()
    {
        const long Memory = 64L << 20;
        const int Processes = 32;
        try
        {
            Groups?.Raise(GroupName, Limits with { Memory = Limits.Memory + Memory, Processes = Limits.Processes + Processes });
        }
        catch (IOException)
        {
            // Its sandbox has just ended, which whoever opens a shell is told.
        }
    }

    /// <summary>How often limits were hit so far.</summary>
    public GroupHits Hits() => Groups?.Hits(GroupName) ?? default;

    /// <summary>The limit of memory or processes that was hit since <paramref name="before"/>, as a sentence without a full stop; null: none.</summary>
    public string? LimitReached(GroupHits before)
    {
        var hits = Hits();
        if (hits.Memory > before.Memory)
            return string.Create(CultureInfo.InvariantCulture, $"it used more than {Limits.Memory >> 20} MiB of memory, the limit for a build, and processes of it were killed");
        return hits.Processes > before.Processes ? string.Create(CultureInfo.InvariantCulture, $"it wanted more than {Limits.Processes} processes, the limit for a build") : null;
    }
}
