using System.ComponentModel.DataAnnotations;

namespace Builds.Execution;

/// <summary>How this machine runs builds.</summary>
public sealed class ExecutionOptions
{
    public const string Section = "Builds:Execution";

    /// <summary>The first of the reserved users; the default lies in a range that neither distributions nor systemd give out.</summary>
    public const int DefaultFirstUser = 60600;

    /// <summary>How much nicer than the silo builds are, unless set.</summary>
    public const int DefaultNice = 10;

    /// <summary>Where slots and tools are kept. It is masked inside builds. No two silos may share one.</summary>
    [Required]
    public string DataDirectory { get; set; } = "./data";

    /// <summary>What runs the builds.</summary>
    public ExecutionDriver Driver { get; set; } = ExecutionDriver.Auto;

    /// <summary>
    /// Whether <see cref="ExecutionDriver.Auto"/> may fall back on <see cref="ExecutionDriver.Process"/>, which isolates nothing.
    /// Right for one person's machine, wrong for a silo that strangers can reach.
    /// </summary>
    public bool AllowProcess { get; set; } = true;

    /// <summary>
    /// Where the silo is root: builds run as one of the <see cref="UserCount"/> users from this number on, one per running
    /// build. None of them may be in /etc/passwd.
    /// </summary>
    [Range(1000, 2_000_000_000)]
    public int FirstUser { get; set; } = DefaultFirstUser;

    /// <summary>How many users are reserved; at least the slots of all silos of this machine that are root.</summary>
    [Range(1, 10_000)]
    public int UserCount { get; set; } = 500;

    /// <summary>Between TERM and KILL when a build is stopped. Longer lets builds clean up; shorter frees the slot sooner.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a sandbox lives that starts before the first call of <see cref="IBuildExecutor.Renew"/>.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan FirstLease { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How much nicer than the silo every process of a build is, so that a build that wants all processors leaves the silo some. Whatever
    /// it is, builds are last in line for the disk: level 7 of class best-effort, where the disk's scheduler knows such levels.
    /// </summary>
    [Range(0, 19)]
    public int Nice { get; set; } = DefaultNice;
}

/// <summary>What runs the builds of image <c>host</c>.</summary>
public enum ExecutionDriver
{
    /// <summary>Bubblewrap where it works, else processes if that is allowed.</summary>
    Auto,
    /// <summary>The machine's own system, read-only, in namespaces of its own.</summary>
    Bubblewrap,
    /// <summary>Plain processes: no isolation at all.</summary>
    Process,
}
