using System.CommandLine;
using System.Text;
using Builds.Commands.Client;
using Builds.Commands.Workers;
using Builds.Queue;

namespace Builds.Commands;

/// <summary><c>builds queue</c>: what waits, and why.</summary>
internal static class QueueCommand
{
    public static Command Create() => ClientCommands.Make("queue", "Shows what waits in each pool, whose it is, for how long and why.", Show);

    private static async Task<int> Show(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var queue = await client.Get<QueueModel>("/api/queue", cancellationToken);
        await line.InvocationConfiguration.Output.WriteAsync(string.Concat(queue.Results.Select(Text)));
        return ExitCode.Done;
    }

    internal static string Text(PoolModel pool)
    {
        var text = new StringBuilder($"pool {pool.Pool}: {pool.Queued} queued, {pool.Running} running, {pool.FreeSlots} of {pool.Slots} slots free");
        text.Append(pool.OldestWait is { } wait ? $", the oldest waits for {WorkerText.Span(TimeSpan.FromSeconds(wait))}\n" : "\n");
        foreach (var reason in pool.Reasons)
            text.Append($"  {reason.Jobs} {(reason.Jobs == 1 ? "waits" : "wait")}: {reason.Why}\n");
        foreach (var owner in pool.Owners)
            text.Append($"  {owner.Owner}: {owner.Queued} queued, {owner.Running} running\n");
        if (pool.OwnerCount > pool.Owners.Length)
            text.Append($"  and {pool.OwnerCount - pool.Owners.Length} owners more\n");
        return text.ToString();
    }
}
