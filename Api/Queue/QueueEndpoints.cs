using Builds.Auth;
using Builds.OpenApi;
using Builds.Users;
using Builds.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Queue;

/// <summary>What waits and why, for admins.</summary>
public static class QueueEndpoints
{
    public static void MapQueue(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/api/queue", Get).WithTags("Workers").Describe<QueueModel>("What waits in each pool, whose it is, for how long and why", body: null, 401, 403).RequireAdmin(Scopes.WorkersRead);

    private static async Task<IResult> Get(WorkerViews workers, TimeProvider clock, CancellationToken cancellationToken)
    {
        var queues = await workers.Queues(cancellationToken);
        var now = clock.GetUtcNow();
        return TypedResults.Ok(new QueueModel([.. queues.Select(queue => PoolModel.From(queue, now))]));
    }
}
