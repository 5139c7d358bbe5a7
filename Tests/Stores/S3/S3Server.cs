using System.Diagnostics;
using System.Globalization;

namespace Builds.Tests.Stores.S3;

/// <summary>
/// npm's s3rver: a process of its own with one bucket in a temporary folder, on a free port of this machine. One for all tests, each of which uses prefixes of its own, through an
/// <see cref="S3Door"/>: it answers before objects are whole, knows no conditional writes and does not check what is signed. It goes with this process, however that ends.
/// </summary>
internal sealed class S3Server
{
    public const string Bucket = "builds-test";

    /// <summary>The only access key that it knows.</summary>
    public const string AccessKey = "S3RVER";

    /// <summary>Its secret is the same word, which no test could search messages for; those that look for leaks give another one.</summary>
    public const string SecretKey = "S3RVER";

    private static readonly string Script = Repository.PathOf("Tests", "Stores", "S3", "server", "node_modules", "s3rver", "bin", "s3rver.js");
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);
    private static readonly SemaphoreSlim Turn = new(1);
    private static S3Server? shared;

    /// <summary>Held: its input must not be closed while we live.</summary>
    private readonly Process keeper;

    private S3Server(Uri address, Process keeper) => (Address, this.keeper) = (address, keeper);

    /// <summary>False once it has ended, which it should not.</summary>
    public bool Runs => !keeper.HasExited;

    public static string? SkipReason { get; } = Environment.GetEnvironmentVariable("CI") == "true" ? null
        : !File.Exists(Script) ? "the S3 server of the tests is not installed: npm ci --prefix Tests/Stores/S3/server"
        : !HasNode() ? "node is not installed: apt-get install nodejs"
        : null;

    public Uri Address { get; }

    public static async Task<S3Server> Shared()
    {
        await Turn.WaitAsync();
        try
        {
            return shared ??= await Start();
        }
        finally
        {
            Turn.Release();
        }
    }

    private static async Task<S3Server> Start()
    {
        // The usual chain of the library finds them here, as in service.
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", AccessKey);
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", SecretKey);
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        var folder = Directory.CreateTempSubdirectory("builds-s3-").FullName;
        // A shell that outlives us by just what it takes: its input ends with this process.
        var start = new ProcessStartInfo("bash", ["-c", """
            trap '' INT TERM
            folder=$1; shift
            "$@" --directory "$folder" --silent </dev/null &
            cat >/dev/null
            kill -9 $!
            rm -rf "$folder"
            """, "-", folder, "node", Script, "--address", "127.0.0.1", "--port", "0", "--configure-bucket", Bucket])
        { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        var started = Process.Start(start)!;
        using var bound = new CancellationTokenSource(Bound);
        while (await started.StandardOutput.ReadLineAsync(bound.Token) is { } line)
        {
            if (line.StartsWith("S3rver listening on ", StringComparison.Ordinal))
                return new S3Server(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{line[(line.LastIndexOf(':') + 1)..]}")), started);
        }

        throw new InvalidOperationException("s3rver ended before it listened");
    }

    private static bool HasNode() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "node")));
}

/// <summary>A test with a real S3 server: skipped where it is missing, but never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class S3FactAttribute : FactAttribute
{
    public S3FactAttribute() => Skip = S3Server.SkipReason;
}

/// <summary>The same for a test with parameters.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class S3TheoryAttribute : TheoryAttribute
{
    public S3TheoryAttribute() => Skip = S3Server.SkipReason;
}
