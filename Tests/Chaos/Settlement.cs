using System.Text;
using Builds.Jobs;
using Builds.Support;
using Builds.Tests.Recovery;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>After the last fault was healed: everything must come to its end, and be what was acknowledged and seen.</summary>
internal sealed class Settlement(ChaosCluster cluster, Callers callers, Workload workload, Ledger ledger, Records records, Action<string> mistaken)
{
    /// <summary>Far above what a lease, a lost queue and three attempts take: for machines that have much else to do.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Teardown = TimeSpan.FromSeconds(6);

    private readonly Random random = new(1);
    private readonly Vigil vigil = new(callers, records, mistaken);

    /// <summary>Answers what <see cref="FreshJobs.Run"/> does; 0 if it was not run.</summary>
    public async Task<int> Run()
    {
        var fresh = new FreshJobs(cluster, workload, ledger, records, vigil, mistaken);
        await SendAgain();
        await EndHolding();
        if (!await AllFinal())
            return 0; // Who is not at his end cannot be compared with it.
        CompareJobs();
        foreach (var job in records.All.Where(job => job.Status.IsFinal()))
            await CompareEnd(job);
        await CompareAnswers();
        await CompareTokens();
        await CompareGroups();
        await CompareLogs();
        var looks = await fresh.Run();
        await NothingIsAlive();
        NoSecretWasTold();
        return looks;
    }

    /// <summary>As callers would who got no answer and have a key: until they have one.</summary>
    private async Task SendAgain()
    {
        foreach (var submission in ledger.Submissions.Where(known => known.Key is not null))
            await Answered($"POST of the submission with tag {submission.Tag}", async () =>
            {
                var before = callers.Answers;
                await workload.Send(random, submission);
                return submission.Id is not null && callers.Answers > before;
            });
    }

    private async Task EndHolding()
    {
        await records.Look();
        var byTag = records.All.ToLookup(job => job.Tags.FirstOrDefault());
        foreach (var holding in ledger.Submissions.Where(known => known.Recipe == Recipe.Holds && !known.CancelAcknowledged))
        {
            foreach (var job in byTag[holding.Tag].Where(job => !job.Status.IsFinal()))
                await Answered($"cancel of job {job.Id}", async () => await callers.Ask(random, HttpMethod.Post, $"/api/jobs/{job.Id}/cancel") is { Status: 200 });
        }
    }

    private async Task<bool> AllFinal()
    {
        var since = TimeProvider.System.GetTimestamp();
        var mustEnd = ledger.Submissions.Where(known => known.MustEnd).Select(known => known.Id!.Value).ToHashSet();
        using var timer = new PeriodicTimer(Often);
        while (true)
        {
            await vigil.Look(random);
            var open = records.All.Where(job => !job.Status.IsFinal() && (job.Status != JobStatus.Pending || mustEnd.Contains(job.Id.Value))).ToArray();
            if (open.Length == 0)
                return true;
            if (TimeProvider.System.GetElapsedTime(since) > Bound)
            {
                foreach (var job in open)
                    mistaken($"job {job.Id} is stuck: {job.Status} on {job.Worker ?? "no worker"}, attempt {job.Attempt}, {Bound} after everything was healed; alive of it: {string.Join(", ", cluster.Witness.AliveOf(job.Id.Value))}");
                return false;
            }

            await timer.WaitForNextTickAsync();
        }
    }

    private void CompareJobs()
    {
        var byTag = records.All.ToLookup(job => job.Tags.FirstOrDefault());
        foreach (var submission in ledger.Submissions)
        {
            var ids = byTag[submission.Tag].Select(job => job.Id.Value).ToArray();
            if (ids.Length > 1)
                mistaken($"one submission (tag {submission.Tag}, Idempotency-Key {submission.Key}) became several jobs: {string.Join(", ", ids)}");
            if (submission.Id is { } id && !ids.SequenceEqual([id]))
                mistaken($"job {id} (tag {submission.Tag}) was acknowledged; there is {(ids.Length == 0 ? "none" : $"{ids[0]}")}");
        }

        var tags = ledger.Submissions.Select(submission => submission.Tag).ToHashSet();
        foreach (var job in records.All.Where(job => !tags.Contains(job.Tags.FirstOrDefault() ?? "")))
            mistaken($"job {job.Id} was never submitted");
    }

    private async Task CompareEnd(JobState job)
    {
        if (ledger.Submissions.FirstOrDefault(known => known.Tag == job.Tags.FirstOrDefault()) is not { } submission)
            return;
        var isRight = job.Reason switch
        {
            null => !submission.Recipe.Fails,
            FailReason.Task => submission.Recipe.Fails,
            FailReason.Cancelled => job.CancelRequested,
            FailReason.WorkerLost => job.Lost == ChaosCluster.MaxAttempts,
            _ => false,
        };
        if (!isRight)
            mistaken($"job {job.Id} ({submission.Recipe.Name}) ended as {job.Status}, {job.Reason}, after {job.Lost} lost workers: {job.Detail}");
        if (job.Reason is FailReason.WorkerLost && submission.CancelAcknowledged)
            mistaken($"job {job.Id} was cancelled, which was acknowledged; it ended as worker-lost");
        if (job.Tasks[0].Status != BuildTaskStatus.Success || submission.Recipe.Output is not { } output)
            return;
        var expected = output.Replace("JOB", $"{job.Id}", StringComparison.Ordinal).Replace("ATTEMPT", $"{job.Attempt}", StringComparison.Ordinal);
        var log = Encoding.UTF8.GetString(await Log(cluster.Members[random.Next(cluster.Members.Count)], $"/logs/{job.Id}/a/log"));
        if (!log.EndsWith(expected, StringComparison.Ordinal))
            mistaken($"the log of job {job.Id} ({submission.Recipe.Name}) must end with '{expected[^Math.Min(200, expected.Length)..]}'; it ends with '{log[^Math.Min(400, log.Length)..]}'");
    }

    /// <summary>Every silo shows what is stored.</summary>
    private async Task CompareAnswers()
    {
        foreach (var job in records.All)
        {
            var member = cluster.Members[random.Next(cluster.Members.Count)];
            Answer? answer = null;
            await Answered($"GET of job {job.Id}", async () => (answer = await callers.Ask(random, HttpMethod.Get, $"/api/jobs/{job.Id}", member: member)) is not null);
            if (answer is null)
                continue;
            if (answer.Status != 200 || answer["status"].GetString() != job.Status.Word())
                mistaken($"{member.Name} shows job {job.Id} as {answer.Status} {answer.Body}; stored is {job.Status}");
            else if (job.Status.IsFinal())
                Try(() => ledger.Final(job.Id.Value, Load.Shown(answer.Body)));
        }
    }

    private async Task CompareTokens()
    {
        foreach (var token in ledger.Tokens.Where(token => token.RevocationAcknowledged || !token.RevocationAsked))
        {
            Answer? answer = null;
            await Answered($"a request with token {token.Id}", async () => (answer = await callers.Ask(random, HttpMethod.Get, "/api/jobs", token: token.Text)) is not null);
            if (answer is not null && answer.Status != (token.RevocationAcknowledged ? 401 : 200))
                mistaken($"a token that was {(token.RevocationAcknowledged ? "revoked" : "made")}, which was acknowledged, is answered {answer.Status}: {answer.Body}");
        }
    }

    private async Task CompareGroups()
    {
        foreach (var (id, jobs) in ledger.Groups)
        {
            Answer? answer = null;
            await Answered($"GET of group {id}", async () => (answer = await callers.Ask(random, HttpMethod.Get, $"/api/job-group/{id}")) is not null);
            if (answer is not null && (answer.Status != 200 || !answer["jobs"].EnumerateArray().Select(job => job.GetProperty("id").GetInt32()).SequenceEqual(jobs)))
                mistaken($"group {id} was acknowledged with the jobs {string.Join(", ", jobs)}; now it is {answer.Body}");
        }
    }

    private async Task CompareLogs()
    {
        foreach (var seen in ledger.Logs.Values.Where(log => log.Length > 0))
        {
            byte[]? first = null;
            foreach (var member in cluster.Members)
            {
                var now = await Log(member, seen.Path);
                Try(() => seen.Compare(now));
                if (first is not null && !first.AsSpan().SequenceEqual(now))
                    mistaken($"{seen.Path}: {member.Name} shows {now.Length} bytes, {cluster.Members[0].Name} shows {first.Length}, and they are not the same");
                first ??= now;
            }
        }
    }

    private async Task<byte[]> Log(Member member, string path)
    {
        byte[]? bytes = null;
        await Answered($"GET {path} from {member.Name}", async () => (bytes = await callers.Log(member, path)) is not null);
        return bytes ?? [];
    }

    private async Task NothingIsAlive()
    {
        foreach (var alive in cluster.Witness.Alive)
            mistaken($"{alive} is alive after every job has ended");
        try
        {
            await cluster.Processes.AllGone(TimeProvider.System.GetTimestamp(), Teardown);
        }
        catch (HarnessException mistake)
        {
            mistaken($"every job has ended; {mistake.Message}");
        }
    }

    private void NoSecretWasTold()
    {
        string[] secrets = [PostgresServer.Password, cluster.Admin, .. ledger.Tokens.Select(token => token.Text)];
        foreach (var member in cluster.Members)
        {
            // The admin's token is shown once, to the person who starts a silo for the first time.
            var lines = member.Said.Split('\n').Where(line => !line.Contains($"Bearer {cluster.Admin}", StringComparison.Ordinal) && line.Trim() != cluster.Admin);
            foreach (var line in lines.Where(line => secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal))))
                mistaken($"{member.Name} printed a secret: {line}");
        }
    }

    /// <summary>The cluster is whole: an answer must come, soon.</summary>
    private async Task Answered(string what, Func<Task<bool>> ask)
    {
        var since = TimeProvider.System.GetTimestamp();
        try
        {
            while (!await ask())
            {
                if (TimeProvider.System.GetElapsedTime(since) > Bound)
                {
                    mistaken($"{what} has no answer, {Bound} after everything was healed: {string.Join("; ", callers.Failures.Keys)}");
                    return;
                }

                await Task.Delay(Often);
            }
        }
        catch (HarnessException mistake)
        {
            mistaken(mistake.Message);
        }
    }

    private void Try(Action compare)
    {
        try
        {
            compare();
        }
        catch (HarnessException mistake)
        {
            mistaken(mistake.Message);
        }
    }
}
