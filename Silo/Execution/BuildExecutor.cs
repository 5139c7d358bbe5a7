using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Images;
using Microsoft.Extensions.Options;

namespace Builds.Execution;

/// <summary>Runs builds on this machine: of image <c>host</c>, and of the images in its data directory.</summary>
internal sealed partial class BuildExecutor(
    IOptions<ExecutionOptions> options, GuardProgram program, SlotUsers users, Leftovers leftovers, ImageStore images, TimeProvider time, ILogger<BuildExecutor> logger)
    : IBuildExecutor, IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guard, bool> _guards = [];
    private readonly ConcurrentDictionary<int, string> _running = [];
    private readonly SemaphoreSlim _starting = new(1);
    private SandboxMachine? _machine;
    private long _leaseEnd;

    /// <summary>Read at every heartbeat: an image that was added a moment ago is offered with the next one.</summary>
    public ImmutableArray<string> Images
    {
        get
        {
            if (Volatile.Read(ref _machine) is not { } machine) return [Image.Host];
            var all = images.List();
            return [Image.Host, .. all.Where(image => machine.DriverOf(image).Driver is not null).SelectMany(image => KnownImages.NamesOf(image.Name, all))];
        }
    }

    public void Renew(TimeSpan leaseEnd)
    {
        long known;
        do known = Interlocked.Read(ref _leaseEnd);
        while (known < leaseEnd.Ticks && Interlocked.CompareExchange(ref _leaseEnd, leaseEnd.Ticks, known) != known);
        foreach (var guard in _guards.Keys) guard.Renew(leaseEnd);
    }

    public async Task<BuildOutcome> Run(BuildPlan plan, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill)
    {
        var name = BuildRun.GuardName(plan);
        // Before anything is made for it, which would be taken for left over.
        _running[plan.Slot] = name;
        try
        {
            var (place, refusal) = await PlaceOf(plan, recorder, kill);
            if (place is null) return refusal!;
            var run = new BuildRun(plan, recorder, place, options.Value.Grace, time);
            return await run.Run(() => StartGuard(place, name), guard => _guards.TryRemove(guard, out _), stop, kill);
        }
        finally
        {
            _running.TryRemove(plan.Slot, out _);
        }
    }

    /// <summary>Where the build runs, or how it has ended without running.</summary>
    private async Task<(Placement? Place, BuildOutcome? Refusal)> PlaceOf(BuildPlan plan, IBuildRecorder recorder, CancellationToken kill)
    {
        try
        {
            var machine = await Start(kill);
            return Find(machine, plan.Manifest.Image) is var (image, driver)
                ? (await machine.Place(plan.Slot, image, driver), null)
                : (null, await BuildRun.NotOffered(recorder, plan.Manifest.Image, Images));
        }
        catch (OperationCanceledException) when (kill.IsCancellationRequested)
        {
            return (null, new BuildOutcome.Stopped());
        }
        catch (Exception e) when (e is IOException or Win32Exception or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return (null, await BuildRun.Broken(recorder, e.Message));
        }
    }

    /// <summary>
    /// Ends what an earlier silo left, and finds out what works. Done once; a failure is told to the caller and tried again by the next one.
    /// </summary>
    public async Task<SandboxMachine> Start(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _machine) is { } known) return known;
        await _starting.WaitAsync(cancellationToken);
        try
        {
            if (_machine is not null) return _machine;
            Directory.CreateDirectory(program.DataDirectory);
            var (guards, homes) = await leftovers.Sweep(cancellationToken);
            if (guards + homes > 0) LogLeftovers(guards, homes);
            var machine = await SandboxMachine.Open(options.Value, program, users);
            if (machine.Host is ProcessDriver && options.Value.Driver != ExecutionDriver.Process) LogNoIsolation(machine.WhyNoIsolation!);
            LogDriver(machine.Host.Name);
            await Sweep(machine);
            if (options.Value.Nice > 0 && LowPriority.Ineffective() is { } why) LogNotNice(why);
            Volatile.Write(ref _machine, machine);
            return machine;
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>Removes what was left since the last time although nobody was killed that we know of. A failure is said, and tried again the next time.</summary>
    public Task Sweep() => Volatile.Read(ref _machine) is { } machine ? Sweep(machine) : Task.CompletedTask;

    private async Task Sweep(SandboxMachine machine)
    {
        try
        {
            if (await machine.Sweep(_running, withContainers: HasPodmanImages) is var removed and > 0) LogSwept(removed);
        }
        catch (IOException e)
        {
            LogNotSwept(e.Message);
        }
    }

    /// <summary>Builds with a network of their own do not reach these addresses of IPv4 from now on, but for those that the settings allow. Replaces what was refused before.</summary>
    public async Task Refuse(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken)
    {
        if ((await Start(cancellationToken)).Networks is { } networks) await networks.Refuse(addresses);
    }

    private bool HasPodmanImages => images.List().Any(image => image.Driver == ImageDriver.Podman);

    public async ValueTask DisposeAsync()
    {
        if (_machine is not null)
        {
            await _machine.DisposeAsync();
            _machine.Leave();
        }
        _starting.Dispose();
    }

    private (Image? Image, ISandboxDriver Driver)? Find(SandboxMachine machine, string name)
    {
        if (name == Image.Host) return (null, machine.Host);
        return images.Find(name) is { } image && machine.DriverOf(image).Driver is { } driver ? (image, driver) : null;
    }

    private Guard StartGuard(Placement place, string name)
    {
        var lease = new TimeSpan(Interlocked.Read(ref _leaseEnd));
        var (path, arguments) = place.Command(lease > TimeSpan.Zero ? lease : BootClock.Now + options.Value.FirstLease, name);
        var guard = Guard.Start(path, arguments, options.Value.Nice);
        _guards[guard] = true;
        // It may have been renewed between the two lines above.
        if (Interlocked.Read(ref _leaseEnd) is var now and > 0) guard.Renew(new TimeSpan(now));
        return guard;
    }
}
