using System.Diagnostics;
using Builds.Auth;
using Builds.OpenApi;
using Builds.Requests;
using Microsoft.AspNetCore.Http;

namespace Builds.Jobs;

/// <summary>What can be done to jobs.</summary>
internal static class JobChanges
{
    private const string KeyHeader = "Idempotency-Key";
    private const int KeyLimit = 255;

    public static async Task<IResult> Submit(HttpContext context, IGrainFactory grains, JobAdmission admission, PublicOrigin origin, CancellationToken cancellationToken)
    {
        var (fields, refusal) = await RequestBody.Read(context.Request, cancellationToken);
        if (fields is null)
            return refusal!;
        var submission = SubmitRequest.Read(fields, context.Caller());
        if (submission is null)
            return Problems.Invalid(fields.Errors);
        if (KeyMistake(context.Request) is { } mistake)
            return Problems.Invalid(KeyHeader, mistake);

        switch (await Reserve(context.Request, submission, grains))
        {
            case SubmissionResult.Reserved reserved:
                var grain = grains.GetGrain<IJobGrain>(reserved.Job.Value);
                if (submission.Execute && await admission.Refusal(context, submission.Owner, submission.Pool) is { } tooMany)
                    return await Repeated(context, grain) is { } known ? TypedResults.Ok(JobModel.From(known, origin)) : tooMany;
                return TypedResults.Ok(JobModel.From(await grain.Submit(submission), origin));
            case SubmissionResult.OtherContent other:
                return Problems.Invalid(KeyHeader, $"this key was used for job {other.Job} with other content less than 24 hours ago: use a new key for a new job");
            default:
                throw new UnreachableException();
        }
    }

    public static Task<IResult> Start(HttpContext context, ICatalogue catalogue, IGrainFactory grains, JobAdmission admission, string id, CancellationToken cancellationToken) =>
        Change(context, catalogue, grains, id, grain => grain.Start(), cancellationToken, async job =>
            job.Status == JobStatus.Pending ? await admission.Refusal(context, job.Owner, job.Pool) : null);

    public static Task<IResult> Cancel(HttpContext context, ICatalogue catalogue, IGrainFactory grains, string id, CancellationToken cancellationToken) =>
        Change(context, catalogue, grains, id, grain => grain.Cancel(), cancellationToken);

    // A repeat of a submission that was let in is answered with its job, however many wait by now.
    private static async Task<JobSnapshot?> Repeated(HttpContext context, IJobGrain grain)
    {
        var job = context.Request.Headers.ContainsKey(KeyHeader) ? await grain.Get() : null;
        if (job is not null)
            context.Response.Headers.RetryAfter = default;
        return job;
    }

    private static async Task<IResult> Change(
        HttpContext context,
        ICatalogue catalogue,
        IGrainFactory grains,
        string id,
        Func<IJobGrain, Task<JobChange>> change,
        CancellationToken cancellationToken,
        Func<JobSnapshot, Task<IResult?>>? refusal = null)
    {
        var caller = context.Caller();
        if (!JobId.TryParse(id, out var key) || await catalogue.Find(key, cancellationToken) is not { } job || !caller.MaySee(job))
            return Problems.NotFound();
        if (!caller.MayChange(job))
            return Problems.NotYours();
        if (refusal is not null && await refusal(job) is { } refused)
            return refused;

        return await change(grains.GetGrain<IJobGrain>(key.Value)) switch
        {
            JobChange.Done => TypedResults.Ok(new Done()),
            JobChange.WrongStatus wrong => Problems.Invalid(null, $"This job is already {Already(wrong.Status)}"),
            JobChange.NotFound => Problems.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    private static string Already(JobStatus status) => status.IsFinal() ? "complete" : status.Word();

    private static async Task<SubmissionResult> Reserve(HttpRequest request, JobSubmission submission, IGrainFactory grains)
    {
        var key = request.Headers[KeyHeader];
        if (key.Count == 0)
            return new SubmissionResult.Reserved(await grains.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs).Next());
        return await grains.GetGrain<ISubmissionGrain>(SubmissionKey.For(submission.Owner, key.ToString())).Reserve(SubmitRequest.Fingerprint(submission));
    }

    private static string? KeyMistake(HttpRequest request)
    {
        var key = request.Headers[KeyHeader];
        var good = key.Count == 0 || (key is [{ Length: > 0 and <= KeyLimit } text] && text.All(character => character is >= '!' and <= '~'));
        return good ? null : $"the key must be one text of 1 to {KeyLimit} visible ASCII characters, for example a new UUID for each job";
    }
}
