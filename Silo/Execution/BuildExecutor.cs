using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using Builds.Execution.Native;
using Builds.Execution.Parking;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Images;
using Builds.Workers;
using Microsoft.Extensions.Options;

namespace Builds.Execution;

/// <summary>Runs builds on this machine: of image <c>host</c>, and of the images in its data directory.</summary>
/// <param name="worker">Who this worker is; null: nobody asks.</param>
internal sealed partial class BuildExecutor(
    IOptions<ExecutionOptions> options, GuardProgram program, SlotUsers users, Leftovers leftovers, ImageStore images, ParkingLot lot, TimeProvider time,
    ILogger<BuildExecutor> logger, WorkerIdentity? worker = null) : IBuildExecutor, IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guard, bool> _guards = [];
    private readonly Places _places = new(options.Value.Slots);
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
        // Before anything is made for it, which would be taken for left over.
        var (number, name) = _places.Take(plan.Slot, number => BuildRun.GuardName(plan, number));
        BuildRun? run = null;
        try
        {
            var (place, refusal) = await PlaceOf(plan, number, recorder, kill);
            if (place is null) return refusal!;
            run = new BuildRun(plan, name, recorder, place, leftovers, options.Value.Grace, new Keeping(lot, worker?.Name ?? Environment.MachineName, program.DataDirectory, options.Value.ParkedTime), time);
            return await run.Run(() => StartGuard(place, name), guard => _guards.TryRemove(guard, out _), stop, kill);
        }
        finally
        {
            // What is parked stays in its place.
            if (run?.Parked is { } parked) FreeAfter(parked, number).Ignore();
            else _places.Free(number);
        }
    }

    private async Task FreeAfter(ParkedEnvironment parked, int number)
    {
        try
        {
            await parked.Gone;
        }
        finally
        {
            _places.Free(number);
        }
    }

    /// <summary>Where the build runs, or how it has ended without running.</summary>
    private async Task<(Placement? Place, BuildOutcome? Refusal)> PlaceOf(BuildPlan plan, int number, IBuildRecorder recorder, CancellationToken kill)
    {
        try
        {
            var machine = await Start(kill);
            return Find(machine, plan.Manifest.Image) is var (image, driver)
                ? (await machine.Place(number, image, driver), null)
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
            if (await machine.Sweep(_places.Taken, withContainers: HasPodmanImages) is var removed and > 0) LogSwept(removed);
        }
        catch (IOException e)
        {
            LogNotSwept(e.Message);
        }
    }

    private bool HasPodmanImages => images.List().Any(image => image.Driver == ImageDriver.Podman);

    public async ValueTask DisposeAsync()
    {
        await lot.DisposeAsync();
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
