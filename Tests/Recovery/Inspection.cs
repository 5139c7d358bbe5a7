using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Builds.Jobs;
using Builds.Tests.Silos;

namespace Builds.Tests.Recovery;

/// <summary>Compares what a silo shows after a start with what its predecessors acknowledged.</summary>
internal sealed class Inspection(SiloClient client, Ledger ledger, string admin)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    /// <summary>After every start. Ends early if the silo dies.</summary>
    public async Task AfterStart()
    {
        foreach (var submission in ledger.Submissions.Where(known => known.Key is not null))
            await Load.Send(client, ledger, submission);
        if (await AllJobs() is not { } jobs)
            return;
        CompareJobs(jobs);
        await CompareTokens();
        await CompareGroups();
        foreach (var log in ledger.Logs.Values.Where(log => log.Length > 0))
        {
            if (await client.Bytes(log.Path) is { } now)
                log.Compare(now);
            else if (!client.Silo.Ended.IsCompleted)
                throw new HarnessException($"{log.Path}: a reader saw {log.Length} bytes, now there is no such log");
        }
    }

    /// <summary>At the end, when nobody kills any more.</summary>
    public async Task AtTheEnd(RecordWatch records)
    {
        await AfterStart();
        foreach (var job in (await AllJobs())!)
            await Settle(job.Id);
        await AfterStart();
        records.Look();
        foreach (var job in (await AllJobs())!)
            await CompareEnd(job, records.Known[job.Id]);
    }

    /// <summary>Waits until a job that was to run is final.</summary>
    private async Task Settle(int job)
    {
        var since = TimeProvider.System.GetTimestamp();
        // The first look does not wait: a pending job would only be pending for longer.
        for (var wait = ""; ; wait = "?wait=5")
        {
            var answer = await Must(client.Get($"/api/jobs/{job}{wait}"));
            var status = answer["status"].GetString();
            if (status is "success" or "failed")
            {
                ledger.Final(job, Load.Shown(answer.Body));
                return;
            }

            if (status == "pending")
            {
                if (ledger.Submissions.FirstOrDefault(known => known.Id == job) is { MustEnd: true } forgotten)
                    throw new HarnessException($"job {job} (tag {forgotten.Tag}) was to run, and that was acknowledged; it is pending");
                return;
            }

            if (TimeProvider.System.GetElapsedTime(since) > Bound)
                throw new HarnessException($"job {job} does not end: {answer.Body}");
        }
    }

    private async Task<IReadOnlyList<JobShown>?> AllJobs()
    {
        var jobs = new List<JobShown>();
        for (string? start = "-1"; start is not null;)
        {
            if (await client.Get($"/api/jobs?start={start}") is not { } answer)
                return null;
            Load.Expect(answer, 200, "GET /api/jobs");
            var page = JsonSerializer.Deserialize<JobsShown>(answer.Body, JsonSerializerOptions.Web)!;
            jobs.AddRange(page.Results);
            start = page.Next;
        }

        return jobs;
    }

    private void CompareJobs(IReadOnlyList<JobShown> jobs)
    {
        var byTag = jobs.ToLookup(job => job.Tags);
        foreach (var submission in ledger.Submissions)
        {
            var ids = byTag[submission.Tag].Select(job => job.Id).ToArray();
            if (ids.Length > 1)
                throw new HarnessException($"one submission (tag {submission.Tag}) became several jobs: {string.Join(", ", ids)}");
            if (submission.Id is { } id && !ids.SequenceEqual([id]))
                throw new HarnessException($"job {id} (tag {submission.Tag}) was acknowledged; after the start there is: {(ids.Length == 0 ? "none" : ids[0])}");
        }

        foreach (var job in jobs.Where(job => job.Status is "success" or "failed"))
            ledger.Final(job.Id, JsonSerializer.Serialize(job));
    }

    private async Task CompareTokens()
    {
        foreach (var token in ledger.Tokens)
        {
            if (await client.Ask(HttpMethod.Get, "/api/jobs", otherToken: token.Text) is not { } answer)
                return;
            if (token.RevocationAcknowledged || !token.RevocationAsked)
                Load.Expect(answer, token.RevocationAcknowledged ? 401 : 200, $"a token that was {(token.RevocationAcknowledged ? "revoked" : "made")}, which was acknowledged,");
        }

        if (await client.Ask(HttpMethod.Get, "/api/jobs", otherToken: admin) is { } own)
            Load.Expect(own, 200, "the admin's token");
    }

    private async Task CompareGroups()
    {
        foreach (var (id, jobs) in ledger.Groups)
        {
            if (await client.Get($"/api/job-group/{id}") is not { } answer)
                return;
            Load.Expect(answer, 200, $"group {id}, which was acknowledged,");
            var members = answer["jobs"].EnumerateArray().Select(job => job.GetProperty("id").GetInt32());
            if (!members.SequenceEqual(jobs))
                throw new HarnessException($"group {id} was acknowledged with the jobs {string.Join(", ", jobs)}; now it is {answer.Body}");
        }
    }

    private async Task CompareEnd(JobShown job, JobState record)
    {
        var submission = ledger.Submissions.FirstOrDefault(known => known.Tag == job.Tags)
            ?? throw new HarnessException($"job {job.Id} with the tags {job.Tags} was never submitted");
        if (job.Status == "pending")
            return;
        if (submission.CancelAcknowledged && job.Reason == "worker-lost")
            throw new HarnessException($"job {job.Id} was cancelled, which was acknowledged; it ended as {job.Reason}");
        if (job.Reason is not (null or "task" or "cancelled" or "worker-lost") || (job.Reason == "task" && !submission.Recipe.Fails))
            throw new HarnessException($"job {job.Id} ({submission.Recipe.Name}) failed for the reason {job.Reason}: {record.Detail}");

        // By its own end, not by the loss of a worker.
        if (record.Attempt > record.EndedAttempts.Length && record.Attempt > 1)
            await CompareReasons(job.Id, record);
        if (job.Tasks[0].Status == "success" && submission.Recipe.Output is { } output)
            await CompareOutput(job.Id, record.Attempt, output);
        if (job.Status == "success" && submission.Recipe.HasArtifact)
            await CompareArtifact(job.Id, record);
    }

    private async Task CompareReasons(int job, JobState record)
    {
        var setup = Encoding.UTF8.GetString(await Must(client.Bytes($"/logs/{job}/log")));
        var last = record.EndedAttempts[^1];
        if (!setup.Contains($"attempt {last.Attempt} was given up: {last.Why}", StringComparison.Ordinal))
            throw new HarnessException($"job {job} ran {record.Attempt} times, and its setup log does not say why: {setup}");
    }

    private async Task CompareOutput(int job, int attempt, string output)
    {
        var expected = Told(output, job, attempt);
        var log = Encoding.UTF8.GetString(await Must(client.Bytes($"/logs/{job}/a/log")));
        if (!log.EndsWith(expected, StringComparison.Ordinal))
            throw new HarnessException($"the log of job {job} must end with '{expected[^Math.Min(300, expected.Length)..]}'; it ends with '{log[^Math.Min(600, log.Length)..]}'");
    }

    private async Task CompareArtifact(int job, JobState record)
    {
        var answer = await Must(client.Get($"/api/jobs/{job}/artifacts"));
        var url = new Uri(answer["results"][0].GetProperty("url").GetString()!);
        var bytes = await Must(client.Bytes(url.AbsolutePath));
        if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != record.Artifacts[0].Sha256 || Encoding.UTF8.GetString(bytes) != Told(Recipe.ArtifactText, job, record.Attempt))
            throw new HarnessException($"the artifact of job {job} is '{Encoding.UTF8.GetString(bytes)}'; its record is {record.Artifacts[0]}");
    }

    private static string Told(string text, int job, int attempt) =>
        text.Replace("JOB", $"{job}", StringComparison.Ordinal).Replace("ATTEMPT", $"{attempt}", StringComparison.Ordinal);

    private static async Task<T> Must<T>(Task<T?> asked) where T : class => await asked ?? throw new HarnessException("the silo died although nobody killed it, or something is not there");
}
