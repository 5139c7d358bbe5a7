using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Microsoft.Extensions.Options;

namespace Builds.Execution;

/// <summary>Runs builds of image <c>host</c> on this machine.</summary>
internal sealed partial class BuildExecutor(
    IOptions<ExecutionOptions> options, GuardProgram program, SlotUsers users, Leftovers leftovers, TimeProvider time, ILogger<BuildExecutor> logger)
    : IBuildExecutor, IDisposable
{
    private const int TrialSlot = -1;

    /// <summary>A busy machine takes seconds for what is usually over in milliseconds, and is no reason not to start.</summary>
    private static readonly TimeSpan TrialTime = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<Guard, bool> _guards = [];
    private readonly ConcurrentDictionary<int, Slot> _slots = [];
    private readonly SemaphoreSlim _starting = new(1);
    private ISandboxDriver? _driver;
    private long _leaseEnd;

    public ImmutableArray<string> Images { get; } = ["host"];

    public void Renew(TimeSpan leaseEnd)
    {
        long known;
        do known = Interlocked.Read(ref _leaseEnd);
        while (known < leaseEnd.Ticks && Interlocked.CompareExchange(ref _leaseEnd, leaseEnd.Ticks, known) != known);
        foreach (var guard in _guards.Keys) guard.Renew(leaseEnd);
    }

    public async Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill)
    {
        ISandboxDriver driver;
        Slot slot;
        try
        {
            driver = await Start(kill);
            slot = _slots.GetOrAdd(plan.Slot, number => MakeSlot(driver, number));
        }
        catch (OperationCanceledException) when (kill.IsCancellationRequested)
        {
            return new BuildOutcome.Stopped();
        }
        catch (Exception e) when (e is IOException or Win32Exception or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return await BuildRun.Broken(recorder, e.Message);
        }
        var run = new BuildRun(plan, recorder, driver, slot, new Workspace(slot, program), options.Value.Grace, time);
        return await run.Run(() => StartGuard(driver, slot, run.GuardName), guard => _guards.TryRemove(guard, out _), stop, kill);
    }

    /// <summary>
    /// Ends what an earlier silo left, and finds the driver that works. Done once; a failure is told to the caller and tried
    /// again by the next one.
    /// </summary>
    public async Task<ISandboxDriver> Start(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _driver) is { } known) return known;
        await _starting.WaitAsync(cancellationToken);
        try
        {
            if (_driver is not null) return _driver;
            Directory.CreateDirectory(program.DataDirectory);
            var (guards, homes) = await leftovers.Sweep(cancellationToken);
            if (guards + homes > 0) LogLeftovers(guards, homes);
            var driver = await Choose();
            if (options.Value.Nice > 0 && LowPriority.Ineffective() is { } why) LogNotNice(why);
            Volatile.Write(ref _driver, driver);
            return driver;
        }
        finally
        {
            _starting.Release();
        }
    }

    public void Dispose() => _starting.Dispose();

    private async Task<ISandboxDriver> Choose()
    {
        const string Process = "the settings ask for driver process";
        if (options.Value.Driver == ExecutionDriver.Process) return Chosen(new ProcessDriver(program, Process));
        var why = await TryBubblewrap();
        if (why is null) return Chosen(new BubblewrapDriver(SandboxTrial.FindBubblewrap()!, program));
        if (options.Value.Driver == ExecutionDriver.Bubblewrap || !options.Value.AllowProcess)
            throw new IOException($"Builds cannot be isolated, and this silo must not run them without: {why}.");
        LogNoIsolation(why);
        return new ProcessDriver(program, why);
    }

    private ISandboxDriver Chosen(ISandboxDriver driver)
    {
        LogDriver(driver.Name);
        return driver;
    }

    /// <summary>Null if bubblewrap works, else the reason and what mends it.</summary>
    private async Task<string?> TryBubblewrap()
    {
        if (SandboxTrial.FindBubblewrap() is not { } bubblewrap)
            return "bubblewrap is not installed; to mend it: apt-get install bubblewrap";
        var driver = new BubblewrapDriver(bubblewrap, program);
        var slot = MakeSlot(driver, TrialSlot);
        var workspace = new Workspace(slot, program);
        await workspace.Create();
        try
        {
            var why = await SandboxTrial.Try(driver, slot, BootClock.Now + TrialTime);
            return why is null ? null
                : $"a trial of bubblewrap failed: {why}; it needs user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0) or a silo with the rights of root";
        }
        finally
        {
            await workspace.Remove();
        }
    }

    internal Slot MakeSlot(ISandboxDriver driver, int number)
    {
        var slots = Path.Combine(program.DataDirectory, "slots");
        var closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        // Without a mount of its own, a build under another user reaches its home only through directories open to all.
        // None may list them: whoever may could look for homes that their builds left open.
        var mode = driver.OwnNamespace ? closed : closed | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(slots);
        File.SetUnixFileMode(slots, mode);
        var ownUser = Libc.EffectiveUser() == 0 && (driver.OwnNamespace || RealPath.IsOpenToAll(slots));
        var name = number == TrialSlot ? "trial" : number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var slot = new Slot(number, Path.Combine(slots, name), ownUser ? users.UserOf(number) : null);
        Directory.CreateDirectory(slot.Directory);
        File.SetUnixFileMode(slot.Directory, mode);
        if (driver.OwnNamespace) new Workspace(slot, program).WriteUserFiles(driver.UserInside(slot));
        return slot;
    }

    private Guard StartGuard(ISandboxDriver driver, Slot slot, string name)
    {
        var lease = new TimeSpan(Interlocked.Read(ref _leaseEnd));
        var (path, arguments) = driver.Command(slot, lease > TimeSpan.Zero ? lease : BootClock.Now + options.Value.FirstLease, name);
        var guard = Guard.Start(path, arguments, options.Value.Nice);
        _guards[guard] = true;
        // It may have been renewed between the two lines above.
        if (Interlocked.Read(ref _leaseEnd) is var now and > 0) guard.Renew(new TimeSpan(now));
        return guard;
    }
}
