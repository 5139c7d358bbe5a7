namespace Builds.Commands.Client;

/// <summary>
/// Lets a command that watches go on while the server is started again, or a cluster puts another one in its place: a server that has
/// answered once may be gone for a while. One that never answered is told of at once.
/// </summary>
internal sealed class Patience(TimeProvider clock)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private bool hasAnswered;

    /// <param name="call">Changes nothing on the server, so that it may be made again.</param>
    public async Task<T> Ask<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        long? since = null;
        while (true)
        {
            try
            {
                var answer = await call();
                hasAnswered = true;
                if (since is not null)
                    await Console.Error.WriteLineAsync("builds: the server answers again");
                return answer;
            }
            catch (ServerGoneException gone) when (hasAnswered && (since is null || clock.GetElapsedTime(since.Value) < Longest))
            {
                if (since is null)
                    await Console.Error.WriteLineAsync($"builds: {gone.Message} Trying again for {Longest.TotalMinutes} minutes.");
                since ??= clock.GetTimestamp();
            }

            await Task.Delay(Pause, clock, cancellationToken);
        }
    }
}
