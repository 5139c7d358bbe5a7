using System.Diagnostics;
using System.Globalization;
using Builds.Execution.Native;
using Npgsql;

namespace Builds.Support;

/// <summary>
/// A PostgreSQL server of its own, in a temporary folder, on a free port of this machine, with the settings that a real one has (it syncs).
/// It can be stopped, killed and frozen. It goes with this process, however that ends.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>The superuser's, and of every database made here. A test that finds it in a message has found a leak.</summary>
    public const string Password = "pw-4f1d7c";

    public const string User = "builds";

    private const string PackagedFolder = "/usr/lib/postgresql";
    private const int SigKill = 9, SigContinue = 18, SigStop = 19;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);
    private static readonly SemaphoreSlim Turn = new(1);
    private static PostgresServer? shared;

    private readonly string folder;
    private readonly Process keeper;
    private int databases;

    private PostgresServer(string folder, int port, Process keeper) => (this.folder, Port, this.keeper) = (folder, port, keeper);

    /// <summary>The programs of the newest server that is installed, or null.</summary>
    public static string? Programs { get; } = Directory.Exists(PackagedFolder)
        ? Directory.GetDirectories(PackagedFolder).OrderByDescending(version => int.TryParse(Path.GetFileName(version), CultureInfo.InvariantCulture, out var number) ? number : 0)
            .Select(version => Path.Combine(version, "bin")).FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")))
        : null;

    /// <summary>One for all tests that only need databases. Nobody stops it.</summary>
    public static async Task<PostgresServer> Shared()
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

    private static bool IsRoot => Libc.EffectiveUser() == 0;

    public int Port { get; }

    /// <summary>What it has logged.</summary>
    public string Log => File.ReadAllText(Path.Combine(folder, "log"));

    /// <summary>Makes a server and starts it.</summary>
    /// <param name="settings">More lines for postgresql.conf.</param>
    public static async Task<PostgresServer> Start(params string[] settings)
    {
        if (Programs is null)
            throw new InvalidOperationException($"no PostgreSQL server below {PackagedFolder}: apt-get install postgresql");
        var place = Directory.CreateTempSubdirectory("builds-postgres-").FullName;
        var password = Path.Combine(place, "password");
        await File.WriteAllTextAsync(password, Password);
        if (IsRoot)
            await Run(["chown", "-R", "postgres:", place]);
        await Run([.. AsServer(place, "initdb"), "--no-sync", "--encoding=UTF8", "--locale=C", $"--username={User}", "--auth=scram-sha-256", $"--pwfile={password}"]);
        var port = Ports.Free();
        await File.AppendAllLinesAsync(Path.Combine(place, "data", "postgresql.conf"),
            ["listen_addresses = '127.0.0.1'", $"port = {port}", "unix_socket_directories = ''", "max_connections = 300", "shared_buffers = 64MB", .. settings]);
        var server = new PostgresServer(place, port, Keep(place));
        await server.Start();
        return server;
    }

    /// <summary>A new, empty database. It goes with the server, or with <see cref="DropDatabase"/>.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabase()
    {
        var name = $"test{Interlocked.Increment(ref databases)}";
        await Execute($"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    public async Task DropDatabase(string connectionString) =>
        await Execute($"DROP DATABASE IF EXISTS {new NpgsqlConnectionStringBuilder(connectionString).Database} WITH (FORCE)");

    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Port};Database={database};Username={User};Password={Password}";

    /// <summary>One statement, in the server's own database or another one.</summary>
    public async Task Execute(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Starts it after <see cref="Stop"/> or <see cref="Kill"/>; it answers when this returns.</summary>
    public Task Start() => Run([.. AsServer(folder, "pg_ctl"), "start", "-w", "-t", "100", "-l", Path.Combine(folder, "log")]);

    /// <summary>An orderly stop that waits for nobody: connections end, what runs is undone.</summary>
    public Task Stop() => Run([.. AsServer(folder, "pg_ctl"), "stop", "-w", "-t", "100", "-m", "fast"]);

    public async Task Restart()
    {
        await Stop();
        await Start();
    }

    /// <summary>SIGKILL for all of it, as if the machine went away.</summary>
    public void Kill()
    {
        // First nobody new, then everybody.
        Signal([Postmaster], SigStop);
        int[] all = [.. Processes()];
        Signal(all, SigKill);
        if (!SpinWait.SpinUntil(() => all.All(IsGone), Bound))
            throw new TimeoutException($"PostgreSQL outlives SIGKILL: {string.Join(", ", all.Where(process => !IsGone(process)))}");
        // A dead process that its parent has not noticed yet looks to PostgreSQL like a server that runs.
        File.Delete(Path.Combine(folder, "data", "postmaster.pid"));
    }

    /// <summary>Stops all of it where it is: connections are taken, and nothing answers.</summary>
    public void Freeze()
    {
        Signal([Postmaster], SigStop);
        Signal([.. Processes()], SigStop);
    }

    /// <summary>Lets it go on after <see cref="Freeze"/>.</summary>
    public void Thaw() => Signal([.. Processes()], SigContinue);

    public async ValueTask DisposeAsync()
    {
        keeper.StandardInput.Close();
        using var bound = new CancellationTokenSource(Bound);
        await keeper.WaitForExitAsync(bound.Token);
        keeper.Dispose();
    }

    private int Postmaster => int.Parse(File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    private IEnumerable<int> Processes()
    {
        var main = Postmaster;
        return File.ReadAllText($"/proc/{main}/task/{main}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture)).Prepend(main);
    }

    private static bool IsGone(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].StartsWith(" Z", StringComparison.Ordinal);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true; // There is no such process.
        }
    }

    private static void Signal(int[] processes, int signal)
    {
        foreach (var process in processes)
            _ = Libc.SendSignal(process, signal); // One that has just ended is as good.
    }

    /// <summary>A shell that outlives us by just what it takes: its input ends with this process.</summary>
    private static Process Keep(string place) => Process.Start(new ProcessStartInfo("bash", ["-c", """
        trap '' INT TERM
        folder=$1; shift
        cat >/dev/null
        main=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null) && kill -CONT "$main" $(cat "/proc/$main/task/$main/children") 2>/dev/null
        "$@" stop -w -t 60 -m immediate >/dev/null 2>&1
        rm -rf "$folder"
        """, "-", place, .. AsServer(place, "pg_ctl")])
    { UseShellExecute = false, RedirectStandardInput = true })!;

    /// <summary>PostgreSQL refuses to be root.</summary>
    private static string[] AsServer(string place, string program) =>
        [.. IsRoot ? (string[])["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] : [], Path.Combine(Programs!, program), "-D", Path.Combine(place, "data")];

    private static async Task Run(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        using var process = Process.Start(start)!;
        using var bound = new CancellationTokenSource(Bound);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(bound.Token), process.StandardError.ReadToEndAsync(bound.Token));
        await process.WaitForExitAsync(bound.Token);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)} ended with {process.ExitCode}: {await output}{await errors}");
    }
}
