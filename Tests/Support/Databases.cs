using System.Reflection;
using Xunit.Sdk;

namespace Builds.Support;

/// <summary>The kinds of database that Builds runs on.</summary>
public enum DatabaseKind
{
    Sqlite,
    Postgres,
}

/// <summary>Which databases tests run on.</summary>
public static class Databases
{
    /// <summary><c>postgres</c>: tests that take one database take that.</summary>
    public const string Variable = "BUILDS_TEST_DATABASE";

    public static DatabaseKind Default { get; } = Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" or "sqlite" => DatabaseKind.Sqlite,
        "postgres" => DatabaseKind.Postgres,
        var other => throw new InvalidOperationException($"{Variable} is {other}; it may be sqlite or postgres"),
    };

    /// <summary>A missing PostgreSQL is a failure in CI, and where it was asked for.</summary>
    public static bool HasPostgres { get; } =
        PostgresServer.Programs is not null || Default == DatabaseKind.Postgres || Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>Why a test of PostgreSQL does not run; null where it does.</summary>
    public static string? SkipReason => HasPostgres ? null : "PostgreSQL is not installed: apt-get install postgresql";
}

/// <summary>A test of PostgreSQL: skipped where it is missing, but never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = Databases.SkipReason;
}

/// <summary>
/// Runs a test with parameters on both databases, whose kind is its first parameter. Where PostgreSQL is missing it runs on SQLite, and a
/// test of its own says so.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnBothAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod)
    {
        yield return [DatabaseKind.Sqlite];
        if (Databases.HasPostgres)
            yield return [DatabaseKind.Postgres];
    }
}
