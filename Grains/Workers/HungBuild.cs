namespace Builds.Workers;

/// <summary>
/// Tells a build that takes long to end from one that hangs: an executor ends what it was asked to end, but a broken one must neither
/// keep a job running for ever nor make room for a second attempt beside the first.
/// </summary>
public static class HungBuild
{
    /// <summary>How long a build may take to be gone once it was killed.</summary>
    public static readonly TimeSpan KillBound = TimeSpan.FromSeconds(30);

    /// <summary>
    /// False when <paramref name="build"/> has ended. True when it goes on although it was asked to end, killed after
    /// <paramref name="limit"/> and given <see cref="KillBound"/> to be gone. Waits as long as nobody asks it to end.
    /// </summary>
    public static async Task<bool> Hangs(Task build, HeldAttempt held, TimeSpan limit, TimeProvider clock)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stopping = held.Stopping.Register(() => asked.TrySetResult());
        await using var killing = held.Killing.Register(() => asked.TrySetResult());
        await Task.WhenAny(build, asked.Task);
        if (await EndsWithin(build, limit, clock))
            return false;
        held.Kill();
        return !await EndsWithin(build, KillBound, clock);
    }

    private static async Task<bool> EndsWithin(Task build, TimeSpan bound, TimeProvider clock)
    {
        // However it ends, or does not: the caller awaits it for what it has to say.
        await build.WaitAsync(bound, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return build.IsCompleted;
    }
}
