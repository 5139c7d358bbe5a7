using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;
using Builds.Execution.Networks;
using Builds.Images;

namespace Builds.Execution;

/// <summary>How this machine runs builds.</summary>
public sealed class ExecutionOptions : IValidatableObject
{
    public const string Section = "Builds:Execution";

    /// <summary>The first of the reserved users; the default lies in a range that neither distributions nor systemd give out.</summary>
    public const int DefaultFirstUser = 60600;

    /// <summary>Unless set: the start of a range of 33 million that nobody is known to give out.</summary>
    public const int DefaultFirstMappedUser = 1_900_000_000;

    /// <summary>
    /// Unless set. Starting a program takes a lock on its files that all builds share, and who holds it may have to wait until every other
    /// process of its build has had its turn: with 4096 that compute at once on two processors, 14 s were seen, with 1024 a third of that.
    /// </summary>
    public static int DefaultProcesses { get; } = Math.Clamp(512 * Environment.ProcessorCount, 1024, 4096);

    /// <summary>Unless set: 20 GiB.</summary>
    public const long DefaultDisk = 20L << 30;

    /// <summary>How much nicer than the silo builds are, unless set.</summary>
    public const int DefaultNice = 10;

    /// <summary>Where slots and tools are kept. It is masked inside builds. No two silos may share one.</summary>
    [Required]
    public string DataDirectory { get; set; } = "./data";

    /// <summary>Where images are kept, which <c>builds image</c> manages. Default: <c>images</c> in the data directory.</summary>
    public string? Images { get; set; }

    internal string ImageDirectory() => Images ?? Path.Combine(DataDirectory, "images");

    /// <summary>What runs the builds.</summary>
    public ExecutionDriver Driver { get; set; } = ExecutionDriver.Auto;

    /// <summary>
    /// Whether <see cref="ExecutionDriver.Auto"/> may fall back on <see cref="ExecutionDriver.Process"/>, which isolates nothing.
    /// Right for one person's machine, wrong for a silo that strangers can reach.
    /// </summary>
    public bool AllowProcess { get; set; } = true;

    /// <summary>
    /// Where the silo is root: builds run as one of the <see cref="UserCount"/> users from this number on, one per running
    /// or parked build. None of them may be in /etc/passwd.
    /// </summary>
    [Range(1000, 2_000_000_000)]
    public int FirstUser { get; set; } = DefaultFirstUser;

    /// <summary>How many users are reserved; at least the slots, and what may be parked, of all silos of this machine that are root.</summary>
    [Range(1, 10_000)]
    public int UserCount { get; set; } = 500;

    /// <summary>Between TERM and KILL when a build is stopped. Longer lets builds clean up; shorter frees the slot sooner.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many environments of builds that failed, or asked for it with <c>shell: true</c>, may be parked at a time for <c>builds shell</c>:
    /// everything in them is stopped, they hold no slot, and they keep their memory and disk. One more ends the oldest without a shell. 0: none.
    /// </summary>
    [Range(0, 100)]
    public int Parked { get; set; } = 2;

    /// <summary>How long an environment is parked before it is ended, unless somebody opens a shell in it.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ParkedTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long after the first shell was opened in it a parked environment is ended at the latest; it ends with its last shell anyway.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan LongestShell { get; set; } = TimeSpan.FromHours(2);

    /// <summary>How long a sandbox lives that starts before the first call of <see cref="IBuildExecutor.Renew"/>.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan FirstLease { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Bytes of memory that one build may have, the files that it keeps in memory included. Default: four fifths of the machine's, shared
    /// among the slots.
    /// </summary>
    [Range(16L << 20, 1L << 50)]
    public long? Memory { get; set; }

    /// <summary>Of the worker, which shares the machine's memory among them.</summary>
    internal int Slots { get; set; } = 1;

    /// <summary>Whether builds are limited by control groups where the silo may make them; else by limits of each process.</summary>
    public bool ControlGroups { get; set; } = true;

    /// <summary>
    /// How many processes and threads one build may have at a time. Default: 512 for each processor of the machine, at least 1024 and at most 4096.
    /// The more of them compute at once, the longer other builds wait now and then when they start a program.
    /// </summary>
    [Range(16, 1_000_000)]
    public int? Processes { get; set; }

    /// <summary>How many processors one build may use, for example 1.5. Default: all, giving way to the silo.</summary>
    [Range(0.01, 10_000)]
    public double? Processors { get; set; }

    /// <summary>
    /// Bytes of disk that one build may fill, its home and all that it changes in its image; 0: as many as there are. Only a silo that is root
    /// can enforce it.
    /// </summary>
    [Range(0L, 1L << 50)]
    public long Disk { get; set; } = DefaultDisk;

    /// <summary>
    /// Where the silo is root: images have the users of this machine from this number on, 65536 for each of the <see cref="UserCount"/>
    /// users. None of them may be anybody else's.
    /// </summary>
    [Range(100_000, 2_000_000_000)]
    public int FirstMappedUser { get; set; } = DefaultFirstMappedUser;

    /// <summary>
    /// The network of image host: nat is a network of the build's own, host the machine's, which reaches every service of the machine, those of
    /// the silo too, and none has nothing but loopback. A silo that is not root, or has no ip or nft, gives the machine's instead of nat, and
    /// every setup log says so.
    /// </summary>
    public ImageNetwork HostNetwork { get; set; } = ImageNetwork.Nat;

    /// <summary>
    /// The IPv4 addresses of the networks that builds have, four for each of the <see cref="UserCount"/> users; nobody else of this
    /// machine or its surroundings may have one of them.
    /// </summary>
    [Required, RegularExpression(@"\A[0-9.]+/(?:8|9|1[0-9]|20)\z", ErrorMessage = "{0} takes an IPv4 network of 20 bits or fewer, as in 10.231.0.0/16.")]
    public string Networks { get; set; } = "10.231.0.0/16";

    /// <summary>
    /// Addresses and networks, separated by commas, that builds with a network of their own may reach although they are this machine's own or give metadata away.
    /// Default: none.
    /// </summary>
    public string? AllowedAddresses { get; set; }

    /// <summary>Further ones that they may not reach, a store for example. Default: none but metadata services, and a cluster's database and other silos.</summary>
    public string? RefusedAddresses { get; set; }

    /// <summary>
    /// How much nicer than the silo every process of a build is, so that a build that wants all processors leaves the silo some. Whatever
    /// it is, builds are last in line for the disk: level 7 of class best-effort, where the disk's scheduler knows such levels.
    /// </summary>
    [Range(0, 19)]
    public int Nice { get; set; } = DefaultNice;

    /// <summary>Directories and files of the silo's beside its data directory, which builds of image <c>host</c> must not see: where the silo is not root, they may read what it may.</summary>
    internal IReadOnlyList<string> Hidden { get; set; } = [];

    /// <summary>What a rule of nftables would not take, and builds would have the machine's own network for it.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (name, text) in new[] { (nameof(AllowedAddresses), AllowedAddresses), (nameof(RefusedAddresses), RefusedAddresses) })
            foreach (var one in SlotNetworks.Split(text).Where(one => !IsNetwork(one.Contains('/') ? one : $"{one}/32")))
                yield return new ValidationResult($"{Section}:{name} has '{one}': write an IPv4 address, or a network such as 10.1.0.0/16");
        if (!IsNetwork(Networks) || IPNetwork.Parse(Networks).PrefixLength is var bits && 1L << (32 - bits) < 4L * UserCount)
            yield return new ValidationResult($"{Section}:{nameof(Networks)} has '{Networks}': write an IPv4 network with four addresses for each of the {UserCount} users of {nameof(UserCount)}, as in 10.231.0.0/16");
    }

    private static bool IsNetwork(string text) => text.Split('/')[0].Split('.').Length == 4 && IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
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
