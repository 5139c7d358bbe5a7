using System.Diagnostics;
using System.Globalization;
using Builds.Auth;
using Builds.OpenApi;
using Builds.Requests;
using Builds.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Builds.Jobs;

/// <summary>Groups of jobs (contract/rest section 5.8).</summary>
public static class JobGroupEndpoints
{
    public static RouteGroupBuilder MapJobGroups(this IEndpointRouteBuilder routes)
    {
        var groups = routes.MapGroup("/api/job-group").WithTags("Job groups");
        groups.MapPost("", Create).Describe<JobGroupModel>("Make a group of pending jobs", Examples.Group, 400, 401, 403, 413, 415).RequireScope(Scopes.JobsWrite);
        groups.MapGet("{id}", Get).Describe<JobGroupModel>("One group", body: null, 401, 403).Produces<Done>(404).RequireScope(Scopes.JobsRead);
        groups.MapPost("{id}/start", Start).Describe<JobGroupModel>("Queue the members that are pending", body: null, 401, 403).Produces<Done>(404).RequireScope(Scopes.JobsWrite);
        groups.MapPost("{id}/cancel", Cancel).Describe<JobGroupModel>("Cancel every member", body: null, 401, 403).Produces<Done>(404).RequireScope(Scopes.JobsWrite);
        return groups;
    }

    private static async Task<IResult> Create(HttpContext context, ICatalogue catalogue, IGrainFactory grains, CancellationToken cancellationToken)
    {
        var (fields, refusal) = await RequestBody.Read(context.Request, cancellationToken);
        if (fields is null)
            return refusal!;
        if (JobGroupRequest.Read(fields, context.Caller().User) is not { } submission)
            return Problems.Invalid(fields.Errors);

        var id = (await grains.GetGrain<IJobIdGrain>(IJobIdGrain.JobGroups).Next()).Value;
        return await Group(grains, id).Create(submission with { Id = id }) switch
        {
            JobGroupResult.Created created => TypedResults.Ok(await Model(created.Group, catalogue, cancellationToken)),
            JobGroupResult.Refused refused => Problems.Invalid(refused.Jobs.Select(job => new ApiError("jobs", JobGroupRequest.Reason(job)))),
            _ => throw new UnreachableException(),
        };
    }

    private static Task<IResult> Get(HttpContext context, ICatalogue catalogue, IGrainFactory grains, string id, CancellationToken cancellationToken) =>
        Answer(context, catalogue, grains, id, act: null, cancellationToken);

    private static Task<IResult> Start(HttpContext context, ICatalogue catalogue, IGrainFactory grains, string id, CancellationToken cancellationToken) =>
        Answer(context, catalogue, grains, id, group => group.Start(), cancellationToken);

    private static Task<IResult> Cancel(HttpContext context, ICatalogue catalogue, IGrainFactory grains, string id, CancellationToken cancellationToken) =>
        Answer(context, catalogue, grains, id, group => group.Cancel(), cancellationToken);

    private static async Task<IResult> Answer(
        HttpContext context, ICatalogue catalogue, IGrainFactory grains, string id, Func<IJobGroupGrain, Task<JobGroup?>>? act, CancellationToken cancellationToken)
    {
        if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || await Group(grains, number).Get() is not { } group || !context.Caller().MaySee(group))
            return Problems.NoSuchGroup();
        if (act is not null)
            group = await act(Group(grains, number)) ?? group;
        return TypedResults.Ok(await Model(group, catalogue, cancellationToken));
    }

    private static IJobGroupGrain Group(IGrainFactory grains, int id) => grains.GetGrain<IJobGroupGrain>(JobGroupKey.For(id));

    private static async Task<JobGroupModel> Model(JobGroup group, ICatalogue catalogue, CancellationToken cancellationToken)
    {
        var jobs = new List<ShortJobModel>();
        foreach (var id in group.Jobs)
        {
            if (await catalogue.Find(id, cancellationToken) is { } job)
                jobs.Add(new ShortJobModel(id.Value, job.Status.Word()));
        }

        return new JobGroupModel(group.Id, group.Note, OwnerModel.From(group.Owner), [.. jobs]);
    }
}
