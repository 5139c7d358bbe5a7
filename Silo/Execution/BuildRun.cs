using System.Collections.Immutable;
using System.ComponentModel;
using System.Globalization;
using Builds.Execution.Limits;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;
using Builds.Images;
using Builds.Jobs;
using Builds.Logs;

namespace Builds.Execution;

/// <summary>
/// One attempt, from an empty home to an empty home, unless what it leaves is parked. A driver decides where the commands run, nothing else.
/// </summary>
/// <param name="name">Of its guard.</param>
internal sealed partial class BuildRun(BuildPlan plan, string name, IBuildRecorder recorder, Placement place, Leftovers leftovers, TimeSpan grace, Keeping keeping, TimeProvider time)
{
    /// <summary>How long a guard may take to end after it was told to, before it is ended from outside.</summary>
    private static readonly TimeSpan EndBound = TimeSpan.FromSeconds(5);

    /// <summary>How long its control group is waited for, and how often it is looked at: what stays longer is the sweep's.</summary>
    private static readonly TimeSpan GroupBound = TimeSpan.FromSeconds(30), GroupPause = TimeSpan.FromMilliseconds(20);

    private readonly OutputPace _pace = new(time);
    private Guard _guard = null!;
    private MachineRoom? _room;
    private CancellationToken _stop, _kill;
    private int _running = -1;
    private bool _tasksRan;

    /// <summary>The sandbox is there, and nothing but what the build did has gone wrong.</summary>
    private bool _up;

    /// <summary>The limits that were hit before the command that runs.</summary>
    private GroupHits _before;

    public async Task<BuildOutcome> Run(Func<Guard> start, Action<Guard> ended, CancellationToken stop, CancellationToken kill)
    {
        (_stop, _kill) = (stop, kill);
        using var room = _room = place.Surroundings.HasSpace ? new MachineRoom(place.Slot.Directory, time) : null;
        try
        {
            if (await Refuse() is { } refusal) return refusal;
            await place.Workspace.Create();
            _guard = start();
        }
        catch (Exception e) when (e is IOException or Win32Exception or UnauthorizedAccessException)
        {
            return await CleanUp(await Broken(recorder, e.Message));
        }
        catch (Exception e) when (EndOf(e) is { } end)
        {
            return await CleanUp(end);
        }

        BuildOutcome outcome;
        try
        {
            outcome = await RunGuarded();
            await Park(outcome, ended);
        }
        finally
        {
            if (Parked is null) await EndGuard(ended);
        }
        return Parked is null ? await CleanUp(outcome) : outcome;
    }

    /// <summary>Says in the setup log that the machine is at fault.</summary>
    public static async Task<BuildOutcome> Broken(IBuildRecorder recorder, string why)
    {
        try
        {
            await recorder.Say($"This machine cannot run the build: {why}", CancellationToken.None);
        }
        catch (Exception e) when (e is AttemptClosedException or LogLimitException)
        {
            // Nobody is left to read it.
        }
        return new BuildOutcome.Failed(FailReason.Internal, why);
    }

    /// <summary>Says in the setup log that this machine does not have the image.</summary>
    public static async Task<BuildOutcome> NotOffered(IBuildRecorder recorder, string image, ImmutableArray<string> offered)
    {
        var why = $"Image {image} is not offered here; on offer: {string.Join(", ", offered)}";
        await recorder.Say(why, CancellationToken.None);
        return new BuildOutcome.Failed(FailReason.Setup, why);
    }

    /// <summary>
    /// Says in the setup log why the image cannot be had. That is no fault of the machine for which it should be spared other builds, whose images may be there
    /// or come from another registry.
    /// </summary>
    public static async Task<BuildOutcome> NotMade(IBuildRecorder recorder, OfferedImage offer, string why)
    {
        foreach (var line in $"Image {offer.Name} cannot be had: {why}".Split('\n')) await recorder.Say(line, CancellationToken.None);
        await recorder.Say(offer.Origin == ImageOrigin.Known
            ? $"To have it without that registry: builds image add {offer.Name} --rootfs DIR|TAR. To have no such names on offer: {ImageOptions.Section}:{nameof(ImageOptions.Known)}=false"
            : $"What it is made of is in the settings of this machine, {ImageOptions.Section}:{nameof(ImageOptions.Own)}", CancellationToken.None);
        return new BuildOutcome.Failed(FailReason.Setup, $"image {offer.Name} cannot be had: {why.Split('\n')[0]}");
    }

    private async Task<BuildOutcome> RunGuarded()
    {
        using var killing = _kill.Register(_guard.Kill);
        using var graceful = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var stopping = _stop.Register(() =>
        {
            _guard.Terminate();
            graceful.CancelAfter(grace);
        });
        using var graceOver = graceful.Token.Register(_guard.Kill);
        BuildOutcome outcome;
        try
        {
            outcome = await Steps();
            if (outcome is BuildOutcome.Stopped && _stop.IsCancellationRequested) await _guard.Emptied();
        }
        catch (Exception e) when (EndOf(e) is { } end)
        {
            (outcome, _up) = (end, false);
        }
        if (_running >= 0) await EndTask(_running, BuildTaskStatus.Failed);
        return outcome;
    }

    /// <summary>What an exception that a recorder may throw means for the build; null for one that is a bug.</summary>
    private BuildOutcome? EndOf(Exception exception) => exception switch
    {
        AttemptClosedException => new BuildOutcome.Stopped(),
        LogLimitException limit => new BuildOutcome.Failed(FailReason.Limit, limit.Message),
        OperationCanceledException when _kill.IsCancellationRequested => new BuildOutcome.Stopped(),
        _ => null,
    };

    /// <summary>The guard is gone without being told to: over its lease, or something happened to it.</summary>
    private async Task<BuildOutcome> Lost()
    {
        _up = false;
        if (_stop.IsCancellationRequested || _kill.IsCancellationRequested) return new BuildOutcome.Stopped();
        _guard.Kill();
        var end = await _guard.Ended;
        if (end.Code == GuardEnd.LeaseOver) return new BuildOutcome.Stopped();
        if (place.LimitReached(_before) is { } limit) return await Fail(FailReason.Limit, $"The sandbox was ended: {limit}.");
        var why = end.Words.Length > 0 ? end.Words.ReplaceLineEndings("; ")
            : end.Code > 128 ? $"the sandbox was ended by signal {end.Code - 128}"
            : $"the sandbox ended by itself with status {end.Code}";
        // What the build has done by then is more likely the reason than the machine.
        return _tasksRan ? await Fail(FailReason.Task, $"The sandbox was ended from inside: {why}.") : await Broken(recorder, $"{place.Driver.Name}: {why}");
    }

    private async Task EndGuard(Action<Guard> ended)
    {
        _guard.Kill();
        while (true)
        {
            try
            {
                await _guard.Ended.WaitAsync(EndBound, time);
                break;
            }
            catch (TimeoutException)
            {
                // It is stopped or starved. In a namespace of its own it can be ended from outside, with all that is inside.
                if (place.Driver.OwnNamespace) leftovers.KillGuards(name);
            }
        }
        ended(_guard);
        await _guard.DisposeAsync();
    }

    private async Task<BuildOutcome> CleanUp(BuildOutcome outcome)
    {
        try
        {
            await RemoveFiles();
            return outcome;
        }
        catch (Exception e) when (e is IOException or Win32Exception)
        {
            return await Broken(recorder, e.Message);
        }
    }

    private async Task RemoveFiles()
    {
        await place.Workspace.Remove();
        await RemoveGroup();
    }

    /// <summary>
    /// A process that was killed stays in its group until the kernel is done with it, which takes seconds where there were thousands. The next
    /// build of the slot must not find them: they count as its own.
    /// </summary>
    private async Task RemoveGroup()
    {
        for (var waited = TimeSpan.Zero; place.Groups?.Remove(place.GroupName) == false && waited < GroupBound; waited += GroupPause)
            await Task.Delay(GroupPause, time);
    }

    /// <summary>What the guard of an attempt is called, on its command line and where its tool keeps a list.</summary>
    /// <param name="number">Of its place.</param>
    public static string GuardName(BuildPlan plan, int number) => string.Create(CultureInfo.InvariantCulture, $"silo-{Environment.ProcessId}-job-{plan.Job.Value}.{plan.Attempt}-slot-{number}");
}
