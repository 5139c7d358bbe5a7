using System.Collections.Immutable;
using System.ComponentModel;
using Builds.Jobs;
using Builds.Space;
using Microsoft.Extensions.Options;

namespace Builds.Execution.Parking;

/// <summary>
/// The environments that are parked on this machine, at most so many: for one more the oldest without a shell is ended, and where all have one
/// it is not parked. Where the disk fills up they go before logs and artifacts do, and once the silo begins to stop there are none any more.
/// Thread safe.
/// </summary>
internal sealed partial class ParkingLot : IAsyncDisposable
{
    private const string Stopping = "the silo stops", NoRoom = "the disk has too little room left";

    private readonly ExecutionOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IDiskSpace? _disks;
    private readonly SpaceOptions _marks;
    private readonly ITimer? _looking;
    private readonly CancellationTokenRegistration _stopping;
    private readonly Lock _gate = new();
    private readonly List<ParkedEnvironment> _parked = [];
    private readonly HashSet<Task> _going = [];
    private string? _closed;

    /// <param name="lifetime">Of the silo; null: it stops when this is disposed.</param>
    /// <param name="disks">Null: they never fill up.</param>
    public ParkingLot(
        IOptions<ExecutionOptions> options, IOptions<SpaceOptions> marks, TimeProvider time, ILogger<ParkingLot> logger, IHostApplicationLifetime? lifetime = null, IDiskSpace? disks = null)
    {
        (_options, _marks, _time, _logger, _disks) = (options.Value, marks.Value, time, logger, disks);
        if (_options.Parked == 0) _closed = $"{ExecutionOptions.Section}:{nameof(ExecutionOptions.Parked)} is 0";
        if (disks is not null) _looking = time.CreateTimer(_ => MakeRoom(), null, SpaceWatch.Interval, SpaceWatch.Interval);
        // At once, and not only when the builds that are left have come to their end.
        _stopping = lifetime?.ApplicationStopping.Register(() => Close(Stopping)) ?? default;
    }

    /// <summary>Why nothing is parked here, as a part of a sentence; null: something may be.</summary>
    public string? ClosedWhy
    {
        get
        {
            lock (_gate) return _closed;
        }
    }

    /// <summary>Those that are there, the oldest first.</summary>
    public ImmutableArray<ParkedEnvironment> All
    {
        get
        {
            lock (_gate) return [.. _parked];
        }
    }

    public ParkedEnvironment? Find(JobId job)
    {
        lock (_gate) return _parked.FindLast(parked => parked.Build.Job == job);
    }

    /// <summary>
    /// Parks an environment and looks after it from here on. Null, and why not, where there is no room: then it is still the caller's.
    /// </summary>
    /// <param name="unwanted">Ends it: the attempt turned out to be nobody's.</param>
    public (ParkedEnvironment? Parked, string? Why) Park(ParkedBuild build, CancellationToken unwanted)
    {
        ParkedEnvironment parked;
        var isShort = IsShort();
        lock (_gate)
        {
            if (_closed is not null) return (null, _closed);
            if (isShort) return (null, NoRoom);
            if (_parked.Count >= _options.Parked && !EndOldest()) return (null, "there is a shell open in each of those that are parked");
            parked = new ParkedEnvironment(build, _time, _options.ParkedTime, _options.LongestShell);
            _parked.Add(parked);
            var going = Watch(parked);
            _going.Add(going);
            _ = going.ContinueWith(Forget, TaskScheduler.Default);
        }
        unwanted.UnsafeRegister(_ => parked.End("its attempt was given up"), null);
        build.Place.Groups?.EndFirst(build.Place.GroupName);
        LogParked(build.Job, build.Attempt, build.Why, parked.Until);
        return (parked, null);
    }

    /// <summary>Ends all, and parks none any more. The first reason counts.</summary>
    public void Close(string why)
    {
        lock (_gate) _closed ??= why;
        foreach (var parked in All) parked.End(why);
    }

    /// <summary>Completes when nothing is left of all that were ever parked.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.DisposeAsync();
        if (_looking is not null) await _looking.DisposeAsync();
        Close(Stopping);
        ImmutableArray<Task> going;
        lock (_gate) going = [.. _going];
        await Task.WhenAll(going);
    }

    private void MakeRoom()
    {
        if (All is not { IsEmpty: false } all || !IsShort()) return;
        foreach (var parked in all) parked.EndUnopened(NoRoom);
    }

    /// <summary>Whether there is so little room that no build begins, or that logs and artifacts have to go.</summary>
    private bool IsShort()
    {
        try
        {
            return _disks?.Data() is { } disk && disk.Free < Math.Max(_marks.LowOf(disk), _marks.CleanOf(disk));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever watches the disk for the worker says so.
            return false;
        }
    }

    // Under the lock.
    private bool EndOldest()
    {
        foreach (var parked in _parked)
        {
            if (!parked.EndUnopened("another one took its place")) continue;
            _parked.Remove(parked);
            return true;
        }
        return false;
    }

    private async Task Watch(ParkedEnvironment parked)
    {
        try
        {
            await parked.Gone;
            LogGone(parked.Build.Job, parked.Build.Attempt, parked.EndedWhy!);
        }
        catch (Exception error) when (error is IOException or Win32Exception)
        {
            // What is left of it is removed before the next build gets its place.
            LogNotGone(parked.Build.Job, parked.Build.Attempt, error.Message);
        }
        finally
        {
            lock (_gate) _parked.Remove(parked);
        }
    }

    private void Forget(Task going)
    {
        lock (_gate) _going.Remove(going);
    }

    [LoggerMessage(EventId = 1610, Level = LogLevel.Information, Message = "Job {JobId}, attempt {Attempt}: {End}; its environment is parked until {Until:u}")]
    private partial void LogParked(JobId jobId, int attempt, string end, DateTimeOffset until);

    [LoggerMessage(EventId = 1611, Level = LogLevel.Information, Message = "Job {JobId}, attempt {Attempt}: the parked environment is gone: {Why}")]
    private partial void LogGone(JobId jobId, int attempt, string why);

    [LoggerMessage(EventId = 1612, Level = LogLevel.Warning, Message = "Job {JobId}, attempt {Attempt}: something of the parked environment stays: {Why}")]
    private partial void LogNotGone(JobId jobId, int attempt, string why);
}
