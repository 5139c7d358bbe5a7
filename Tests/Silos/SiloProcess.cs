using System.Diagnostics;
using System.Globalization;
using System.Text;
using Builds.Execution.Native;
using Builds.Support;

namespace Builds.Tests.Silos;

/// <summary>What must never happen has happened.</summary>
internal sealed class HarnessException(string message) : Exception(message);

/// <summary><c>builds serve</c> as a process of its own, which may be killed, by us or at a <see cref="KillPoint"/>.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    /// <summary>After this long without a heartbeat no build may live.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    public const int Slots = 4;
    public const int MaxAttempts = 3;

    private const int Part = 4000;
    private const int KilledBySignal9 = 128 + 9;

    private readonly Process process;
    private readonly StringBuilder said = new();
    private readonly TaskCompletionSource<Uri?> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task output;
    private bool killedByUs;

    private SiloProcess(Process process)
    {
        this.process = process;
        Leash.Hold(process.Id);
        Spawned = TimeProvider.System.GetTimestamp();
        output = Task.WhenAll(Read(process.StandardOutput), Read(process.StandardError));
        Ended = WaitForEnd();
    }

    public int Id => process.Id;

    /// <summary>When it was started, as a time stamp of the system's clock.</summary>
    public long Spawned { get; }

    /// <summary>Its address, as soon as it says that it is ready; null if it ended before.</summary>
    public Task<Uri?> Ready => ready.Task;

    /// <summary>Null until it says that it is ready.</summary>
    public Uri? Address { get; private set; }

    /// <summary>When it last said that the queue is on it now; null: never.</summary>
    public long? QueueSince { get; private set; }

    public Task Ended { get; }

    /// <summary>True if it ended by SIGKILL, and we did not send it.</summary>
    public bool DiedAtKillPoint => !killedByUs && process.HasExited && process.ExitCode == KilledBySignal9;

    /// <summary>How it ended, as a shell would say it; null while it lives.</summary>
    public int? ExitCode => process.HasExited ? process.ExitCode : null;

    /// <summary>All that it printed.</summary>
    public string SaidInFull
    {
        get
        {
            lock (said)
                return said.ToString();
        }
    }

    /// <summary>What it printed: the beginning and the end of it.</summary>
    public string Said
    {
        get
        {
            lock (said)
                return said.Length > 2 * Part ? $"{said.ToString(0, Part)}\n[…]\n{said.ToString(said.Length - Part, Part)}" : said.ToString();
        }
    }

    /// <summary>A silo that is alone, with a lease that is over soon.</summary>
    public static SiloProcess Start(string data, bool bubblewrap, string? killPoint) => Start(
        [typeof(BuildsHost).Assembly.Location, "serve", "--urls", "http://127.0.0.1:0", "--data", data, "--slots", $"{Slots}"], Settings(bubblewrap), killPoint);

    /// <param name="arguments">The assembly to run first.</param>
    /// <param name="settings">Without <c>Builds:</c>.</param>
    /// <param name="environment">Further variables.</param>
    public static SiloProcess Start(
        IEnumerable<string> arguments, IEnumerable<(string Name, string Value)> settings, string? killPoint, params (string Name, string Value)[] environment) =>
        Start(TestProgram.Dotnet, arguments, settings, killPoint, environment);

    /// <param name="program">What becomes the silo by executing it.</param>
    public static SiloProcess Start(
        string program, IEnumerable<string> arguments, IEnumerable<(string Name, string Value)> settings, string? killPoint, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in settings)
            start.Environment["Builds__" + name.Replace(":", "__", StringComparison.Ordinal)] = value;
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        start.Environment.Remove(KillSwitch.Variable);
        if (killPoint is not null)
            start.Environment[KillSwitch.Variable] = killPoint;
        return new SiloProcess(Process.Start(start)!);
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        killedByUs = true;
        process.Kill();
    }

    /// <summary>SIGTERM: it drains and ends.</summary>
    public void Terminate() => Signal(15);

    /// <summary>SIGSTOP: all of the silo stands still, and nothing of its builds.</summary>
    public void Freeze() => Signal(19);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signal(18);

    // One that has ended, and was not asked for its status yet, takes any signal without effect.
    private void Signal(int signal)
    {
        if (!process.HasExited)
            _ = Libc.SendSignal(process.Id, signal);
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            Kill();
        await Ended;
        process.Dispose();
    }

    private static IEnumerable<(string Name, string Value)> Settings(bool bubblewrap) =>
    [
        ("Lease:Lease", Lease.ToString()),
        ("Lease:Heartbeat", "00:00:00.250"),
        ("Lease:Margin", "00:00:00.300"),
        ("Lease:Membership", "00:00:00.500"),
        ("Queue:Reconcile", "00:00:00.200"),
        ("Queue:FullReconcile", "00:00:02"),
        ("Jobs:MaxAttempts", MaxAttempts.ToString(CultureInfo.InvariantCulture)),
        ("Execution:FirstLease", Lease.ToString()),
        ("Execution:Grace", "00:00:00.300"),
        ("Execution:Driver", bubblewrap ? "Bubblewrap" : "Process"),
        // What is parked outlives its attempt, on purpose.
        ("Execution:Parked", "0"),
    ];

    private async Task Read(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (said)
                said.AppendLine(line);
            if (line.Contains("The queue of pool default is on this silo", StringComparison.Ordinal))
                QueueSince = TimeProvider.System.GetTimestamp();
            if (line.StartsWith("Ready: ", StringComparison.Ordinal))
            {
                Address = new Uri(line["Ready: ".Length..line.IndexOf(',', StringComparison.Ordinal)]);
                ready.TrySetResult(Address);
            }
        }
    }

    private async Task WaitForEnd()
    {
        await process.WaitForExitAsync();
        await output;
        ready.TrySetResult(null);
    }
}
