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
    IOptions<ExecutionOptions> options, GuardProgram program, SlotUsers users, Leftovers leftovers, ImageStore images, OfferedImages offered, ImageBringer bringer, ParkingLot lot,
    TimeProvider time, ILogger<BuildExecutor> logger, WorkerIdentity? worker = null) : IBuildExecutor, IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guard, bool> _guards = [];
    private readonly Places _places = new(options.Value.Slots);
    private readonly SemaphoreSlim _starting = new(1);
    private SandboxMachine? _machine;
    private long _leaseEnd;

    /// <summary>Read at every heartbeat: an image that was added a moment ago is offered with the next one.</summary>
    public ImmutableArray<string> Images => Volatile.Read(ref _machine) is { } machine ? offered.Names(machine) : [Image.Host];

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
            var (place, refusal) = await PlaceOf(plan, number, recorder, stop, kill);
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
    private async Task<(Placement? Place, BuildOutcome? Refusal)> PlaceOf(BuildPlan plan, int number, IBuildRecorder recorder, CancellationToken stop, CancellationToken kill)
    {
        using var unwanted = CancellationTokenSource.CreateLinkedTokenSource(stop, kill);
        try
        {
            var machine = await Start(kill);
            if (plan.Manifest.Image == Image.Host) return (await machine.Place(number, null, machine.Host), null);
            if (offered.Find(plan.Manifest.Image, machine) is not { } offer) return (null, await BuildRun.NotOffered(recorder, plan.Manifest.Image, Images));
            var (image, why) = offer.Made is { } made ? (made, null) : await bringer.Bring(offer, machine, line => recorder.Say(line, unwanted.Token), unwanted.Token);
            return image is null
                ? (null, await BuildRun.NotMade(recorder, offer, why!))
                : (await machine.Place(number, image, machine.DriverOf(image).Driver!), null);
        }
        catch (OperationCanceledException) when (unwanted.IsCancellationRequested)
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
            foreach (var image in offered.List().Where(image => image is { Made: not null } or { Origin: ImageOrigin.Settings }))
                if (OfferedImages.WhyNot(image, machine) is { } whyNot) LogNotOffered(image.Name, whyNot);
            await Sweep(machine, isStart: true);
            // From now on what is made for images is this silo's own.
            _places.Reserve(SandboxMachine.MakingSlot, MakingName.Of("image"));
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
    public Task Sweep() => Volatile.Read(ref _machine) is { } machine ? Sweep(machine, isStart: false) : Task.CompletedTask;

    private async Task Sweep(SandboxMachine machine, bool isStart)
    {
        try
        {
            if (machine.Networks is { } networks && await networks.Mend()) LogRulesWereGone();
            var drafts = images.Leftovers(isStart).ToList();
            if (await machine.Sweep(_places.Taken, withContainers: HasPodmanImages || drafts.Count > 0) is var removed and > 0) LogSwept(removed);
            foreach (var draft in drafts) await program.MustWipe(draft);
            if (drafts.Count > 0) LogDrafts(drafts.Count);
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
        await lot.DisposeAsync();
        await bringer.DisposeAsync();
        if (_machine is not null)
        {
            await _machine.DisposeAsync();
            _machine.Leave();
        }
        _starting.Dispose();
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
