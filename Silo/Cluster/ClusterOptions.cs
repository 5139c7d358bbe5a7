using System.ComponentModel.DataAnnotations;

namespace Builds.Cluster;

/// <summary>Which cluster this silo is a member of, and how others find it. Without a connection string it is alone, on an embedded database.</summary>
public sealed class ClusterOptions
{
    public const string Section = "Builds:Cluster";

    /// <summary>
    /// The PostgreSQL database of the cluster, for example <c>Host=db;Username=builds;Password=…;Database=builds</c>. Every silo that
    /// names the same one is a member. Default: none; the silo is alone.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>
    /// The name of this silo and its worker, the same after every restart and no other silo's. Default: the name of the machine.
    /// </summary>
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", ErrorMessage = Section + ":Name must be 1 to 63 of A-Z, a-z, 0-9, '.', '_' and '-', and begin with a letter or digit; set it with --name")]
    public string? Name { get; set; }

    /// <summary>The port on which other silos reach this one; the same after every restart, so that its old row counts as its own. Default 11111.</summary>
    [Range(1, ushort.MaxValue)]
    public int SiloPort { get; set; } = 11111;

    /// <summary>
    /// The IP address, or address and port, under which other silos reach this one. Default: the address of this machine from which the
    /// database is reached, with <see cref="SiloPort"/>.
    /// </summary>
    public string? Advertise { get; set; }

    /// <summary>The IP address to listen on for other silos, where it is not the advertised one: behind a translated address 0.0.0.0. Keep it private.</summary>
    public string? Listen { get; set; }

    /// <summary>Where logs and artifacts are, the same for every silo of the cluster: a directory, or <c>s3://BUCKET/PREFIX</c>. Needed in a cluster.</summary>
    public string? Store { get; set; }

    /// <summary>What this silo does: front door and worker, or one of them. A worker alone answers /health, and nothing else, over HTTP.</summary>
    public SiloRole Role { get; set; } = SiloRole.All;

    /// <summary>The name of the cluster. The first silo writes it into the database; one with another name is refused.</summary>
    [Required(AllowEmptyStrings = false)]
    public string Id { get; set; } = "builds";

    /// <summary>How far the clock of this machine may be from the database's at the start. Default 10 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan ClockTolerance { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a start waits for its name to become free: a silo that was killed keeps it until the others have noticed. Default 1
    /// minute.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan NameWait { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether there are to be others.</summary>
    public bool IsCluster => !string.IsNullOrWhiteSpace(ConnectionString);
}

/// <summary>What a silo of a cluster does.</summary>
public enum SiloRole
{
    /// <summary>Front door and worker.</summary>
    All,
    /// <summary>Answers callers and runs no builds.</summary>
    FrontDoor,
    /// <summary>Runs builds and answers no callers.</summary>
    Worker,
}
