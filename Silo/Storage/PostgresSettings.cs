using Builds.Cluster;
using Npgsql;

namespace Builds.Storage;

/// <summary>Connection strings: what operators write, and what a silo makes of it.</summary>
internal static class PostgresSettings
{
    private const string Example = "Host=db.example;Database=builds;Username=builds;Password=…";

    /// <summary>What suits a silo; an operator may write otherwise.</summary>
    private static readonly (string Keyword, object Value)[] Defaults =
    [
        ("Application Name", "builds"),
        // More do no more: each write is one round trip, and PostgreSQL has a process for each connection.
        ("Maximum Pool Size", 16),
        // Seconds, milliseconds for the last. A database that does not answer fails calls soon: their callers know what to do.
        ("Timeout", 5),
        ("Command Timeout", 10),
        ("Cancellation Timeout", 1000),
        // An idle connection to a machine that is gone is noticed before somebody uses it.
        ("TCP Keepalive", true),
        ("TCP Keepalive Time", 5),
        ("TCP Keepalive Interval", 2),
        // Our statements are few and always the same, and none changes a session.
        ("Max Auto Prepare", 50),
        ("Auto Prepare Min Usages", 2),
        ("No Reset On Close", true),
        // Asking for Kerberos makes the system's library complain where it is not set up.
        ("GSS Encryption Mode", "Disable"),
    ];

    /// <summary>Throws <see cref="ClusterException"/>, without the text, which may hold a password.</summary>
    public static NpgsqlConnectionStringBuilder Read(string connectionString)
    {
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // Not with the inner exception: some of these repeat what they could not read.
            throw new ClusterException($"the connection string of the cluster's database cannot be read{Keyword(error)}. It looks like {Example}");
        }

        if (string.IsNullOrEmpty(settings.Host))
            throw new ClusterException($"the connection string of the cluster's database names no Host. It looks like {Example}");
        foreach (var (keyword, value) in Defaults)
        {
            if (!settings.ShouldSerialize(keyword))
                settings[keyword] = value;
        }

        return settings;
    }

    /// <summary>Of several hosts the one that takes writes.</summary>
    public static NpgsqlDataSource Source(NpgsqlConnectionStringBuilder settings)
    {
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        return settings.Host!.Contains(',', StringComparison.Ordinal)
            ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary)
            : builder.Build();
    }

    /// <summary>For people, without password.</summary>
    public static string Describe(NpgsqlConnectionStringBuilder settings)
    {
        var user = settings.Username is { Length: > 0 } name ? $" as user {name}" : "";
        return $"{Database(settings)} on {Server(settings)}{user}";
    }

    /// <summary>For people.</summary>
    public static string Database(NpgsqlConnectionStringBuilder settings) => settings.Database is { Length: > 0 } name ? $"database {name}" : "database";

    /// <summary>For people.</summary>
    public static string Server(NpgsqlConnectionStringBuilder settings) =>
        settings.Host!.Contains(',', StringComparison.Ordinal) || settings.Host.Contains('/', StringComparison.Ordinal) ? settings.Host : $"{settings.Host}:{settings.Port}";

    /// <summary>Which value is wrong, by its keyword. One that is not known may be a piece of a password, and is not shown.</summary>
    private static string Keyword(Exception error) => error switch
    {
        ArgumentException { ParamName: { } keyword } when new NpgsqlConnectionStringBuilder().ContainsKey(keyword) => $": the value of {keyword} is none",
        ArgumentException { ParamName: not null } => ": a keyword in it is not known (a value with ; or = stands in quotes)",
        _ => "",
    };
}
