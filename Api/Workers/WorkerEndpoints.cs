using System.Diagnostics;
using Builds.Auth;
using Builds.Cluster;
using Builds.OpenApi;
using Builds.Requests;
using Builds.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Workers;

/// <summary>Workers, for admins. Any silo answers for all of them.</summary>
public static class WorkerEndpoints
{
    public static RouteGroupBuilder MapWorkers(this IEndpointRouteBuilder routes)
    {
        var workers = routes.MapGroup("/api/workers").WithTags("Workers");
        workers.MapGet("", List).Describe<WorkerList>("All workers and what they run", body: null, 401, 403).RequireAdmin(Scopes.WorkersRead);
        workers.MapPost("{name}/drain", Drain).Describe<WorkerModel>("Give a worker no new job; after deadline seconds, if given, what still runs is handed back", Examples.Drain, 400, 401, 403, 404, 409, 413, 415).RequireAdmin(Scopes.WorkersWrite);
        workers.MapPost("{name}/resume", Resume).Describe<WorkerModel>("Let a drained worker take jobs again", body: null, 401, 403, 404, 409).RequireAdmin(Scopes.WorkersWrite);
        return workers;
    }

    private static async Task<IResult> List(WorkerViews workers, CancellationToken cancellationToken) =>
        TypedResults.Ok(new WorkerList(await workers.All(cancellationToken)));

    private static async Task<IResult> Drain(HttpContext context, WorkerViews workers, IGrainFactory grains, TimeProvider clock, string name, CancellationToken cancellationToken)
    {
        var (fields, refusal) = await RequestBody.Read(context.Request, cancellationToken);
        if (fields is null)
            return refusal!;
        if (DrainRequest.Read(fields) is not { } request)
            return Problems.Invalid(fields.Errors);
        return await Ask(workers, name, async () => new WorkerChange.Done(await grains.GetGrain<IWorkerGrain>(name).Drain(request.AtMost, request.Note)), clock, cancellationToken);
    }

    private static Task<IResult> Resume(WorkerViews workers, IGrainFactory grains, TimeProvider clock, string name, CancellationToken cancellationToken) =>
        Ask(workers, name, () => grains.GetGrain<IWorkerGrain>(name).Resume(), clock, cancellationToken);

    private static async Task<IResult> Ask(WorkerViews workers, string name, Func<Task<WorkerChange>> call, TimeProvider clock, CancellationToken cancellationToken)
    {
        try
        {
            return await call() switch
            {
                // It has just spoken, if not to the queue.
                WorkerChange.Done done => TypedResults.Ok(WorkerModel.From(done.Worker, clock.GetUtcNow())),
                WorkerChange.Leaving => Problems.Conflict($"the silo of worker '{name}' is about to stop, and takes no job until it is started again"),
                _ => throw new UnreachableException(),
            };
        }
        catch (Exception error) when (error is not TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            // A silo without a worker has a grain of that name, which cannot do anything: no queue ever hears of it.
            var known = await workers.All(cancellationToken);
            if (known.All(worker => worker.Name != name))
                return Problems.NoSuchWorker(name, known.Select(worker => worker.Name));
            if (error is not SiloOfflineException)
                throw;
            return Problems.Conflict($"worker '{name}' is offline: it takes no job until its silo is started again, and starts ready, not drained");
        }
    }
}
