using System.Globalization;
using Builds.Execution.Sandbox;
using Builds.Jobs;

namespace Builds.Execution.Parking;

/// <summary>What a build leaves to be parked.</summary>
/// <param name="Why">How it ended, for people.</param>
/// <param name="Guard">Idle: no command of the build runs, and nobody reads from it.</param>
/// <param name="TearDown">Ends the guard and removes all of the environment, however it is; once.</param>
internal sealed record ParkedBuild(JobId Job, int Attempt, string Why, Placement Place, Guard Guard, Func<Task> TearDown);

/// <summary>
/// The environment of a build that has ended: everything in it is stopped until somebody opens a shell, and it is gone when the last shell is,
/// or when its time is over. Thread safe.
/// </summary>
internal sealed class ParkedEnvironment
{
    private readonly ParkedBuild _build;
    private readonly TimeProvider _time;
    private readonly TimeSpan _longest;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, ParkedShell> _shells = [];
    private readonly TaskCompletionSource _ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _timer;
    private bool _opened;
    private string? _end;

    /// <summary>Parks it: stops everything inside.</summary>
    /// <param name="time">How long it is kept while nobody opens a shell.</param>
    /// <param name="longest">How long after the first shell was opened.</param>
    public ParkedEnvironment(ParkedBuild build, TimeProvider clock, TimeSpan time, TimeSpan longest)
    {
        (_build, _time, _longest) = (build, clock, longest);
        build.Guard.Tell(GuardFrames.Freeze());
        Since = clock.GetUtcNow();
        Until = Since + time;
        _timer = clock.CreateTimer(_ => Expire(), null, time, Timeout.InfiniteTimeSpan);
        Gone = Watch();
    }

    public ParkedBuild Build => _build;

    public DateTimeOffset Since { get; }

    public DateTimeOffset Until { get; private set; }

    /// <summary>Completes when nothing of it is left, or throws <see cref="IOException"/> where something stays.</summary>
    public Task Gone { get; }

    /// <summary>How many shells are open.</summary>
    public int Shells
    {
        get
        {
            lock (_gate) return _shells.Count;
        }
    }

    /// <summary>Why it ends or has ended; null: it does not.</summary>
    public string? EndedWhy
    {
        get
        {
            lock (_gate) return _end;
        }
    }

    /// <summary>Opens a shell; the first one lets everything inside go on. Null, and why, where none can be opened.</summary>
    /// <param name="kind">What TERM says; null, with <paramref name="size"/>: it has pipes and no terminal.</param>
    public (ParkedShell? Shell, string? Why) Open(string? kind, TerminalSize? size)
    {
        lock (_gate)
        {
            if (_end is not null) return (null, _end);
            var number = Enumerable.Range(0, GuardShells.Most).FirstOrDefault(one => !_shells.ContainsKey(one), GuardShells.Most);
            if (number == GuardShells.Most) return (null, $"{GuardShells.Most} shells are open in it, the most that there may be");
            if (!_opened)
            {
                _opened = true;
                Until = _time.GetUtcNow() + _longest;
                _timer.Change(_longest, Timeout.InfiniteTimeSpan);
                _build.Place.MakeRoomForShells();
                _build.Guard.Tell(GuardFrames.Thaw());
            }
            var shell = _shells[number] = new ParkedShell(number, _build.Guard);
            _build.Guard.Tell(GuardFrames.OpenShell(number, size, ParkedShell.Window, ShellScript.Order(_build.Place, size is null ? null : kind ?? "dumb")));
            return (shell, null);
        }
    }

    /// <summary>Ends it unless a shell is open. False: one is.</summary>
    public bool EndUnopened(string why)
    {
        lock (_gate)
        {
            if (_shells.Count > 0) return false;
            End(why);
            return true;
        }
    }

    /// <summary>Ends it at once. The first reason counts.</summary>
    public void End(string why)
    {
        lock (_gate)
        {
            if (_end is not null) return;
            _end = why;
            _timer.Dispose();
        }
        _build.Guard.Kill();
        _ending.TrySetResult();
    }

    private void Expire() => End(_opened ? $"its time of {Words(_longest)} with a shell is over" : $"its time of {Words(Until - Since)} is over");

    private async Task Watch()
    {
        var listening = Listen();
        await Task.WhenAny(listening, _ending.Task);
        // A guard that ends by itself: its lease is over, or something killed it.
        End("its sandbox has ended");
        try
        {
            await _build.TearDown();
        }
        finally
        {
            await listening;
        }
    }

    private async Task Listen()
    {
        while (await _build.Guard.Next() is { Kind: not GuardFrameKind.Closed } frame)
            // What else there is belongs to a command that was under way when the build ended.
            if (frame.Kind is GuardFrameKind.ShellOutput or GuardFrameKind.ShellTaken or GuardFrameKind.ShellExit) Hear(frame);
        lock (_gate)
        {
            foreach (var shell in _shells.Values) shell.Lose($"the environment has ended: {_end ?? "its sandbox has ended"}");
            _shells.Clear();
        }
    }

    private void Hear(GuardFrame frame)
    {
        bool last;
        lock (_gate)
        {
            if (!_shells.TryGetValue(frame.Word(0), out var shell) || !shell.Hear(frame)) return;
            _shells.Remove(frame.Word(0));
            last = _shells.Count == 0;
        }
        if (last) EndUnopened("its last shell has ended");
    }

    /// <summary>A span of time for people.</summary>
    public static string Words(TimeSpan span) => span == TimeSpan.FromMinutes(1) ? "1 minute"
        : string.Create(CultureInfo.InvariantCulture, $"{(span.Ticks % TimeSpan.TicksPerMinute == 0 ? span.TotalMinutes : span.TotalSeconds)} {(span.Ticks % TimeSpan.TicksPerMinute == 0 ? "minutes" : "seconds")}");
}
