using System.Text.Json;
using Builds.Tests.Recovery;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>Callers of a cluster, until somebody says that it is enough.</summary>
internal sealed class Workload(Callers callers, Ledger ledger, Action<string> mistaken, int seed, CancellationToken enough)
{
    private const int Submitters = 3;
    private const int LogReaders = 3;

    private readonly List<Task> readers = [];
    private readonly Lock gate = new();

    /// <summary>Ends when it is enough, but for the readers.</summary>
    public Task Run() => Task.WhenAll(
        [.. Enumerable.Range(0, Submitters).Select(number => Guarded(Submit, number)), Guarded(Groups, 10), Guarded(Tokens, 11), Guarded(Lists, 12)]);

    /// <summary>Ends with the last log.</summary>
    public Task Readers()
    {
        lock (gate)
            return Task.WhenAll(readers.ToArray());
    }

    private async Task Guarded(Func<Random, Task> caller, int number)
    {
        try
        {
            var random = new Random((seed * 31) + number);
            while (!enough.IsCancellationRequested)
                await caller(random);
        }
        catch (HarnessException mistake)
        {
            mistaken(mistake.Message);
        }
    }

    private async Task Submit(Random random)
    {
        // One in ten holds, until it is cancelled.
        var recipe = random.Next(10) == 0 ? Recipe.Holds : Recipe.All[random.Next(Recipe.All.Count)];
        var submission = ledger.Add(recipe, key: random.Next(2) == 0 ? Guid.NewGuid().ToString() : null, execute: recipe == Recipe.Holds || random.Next(5) > 0);
        await Send(random, submission);
        if (submission.Key is not null && random.Next(3) == 0)
            await Task.WhenAll(Send(random, submission), Send(random, submission));
        if (submission.Id is not { } id)
            return;
        if (random.Next(2) == 0)
            Read(id, random);
        if (!submission.Execute && random.Next(4) > 0)
            submission.StartAcknowledged |= await Act(random, submission, "start");
        if (recipe != Recipe.Holds && random.Next(6) == 0)
            submission.CancelAcknowledged |= await Act(random, submission, "cancel");
        if (recipe == Recipe.Holds || (submission.MustEnd && random.Next(2) == 0))
            await LookAt(random, id);
        if (recipe == Recipe.Holds)
            await Cancel(random, submission);
    }

    /// <summary>Posts a job, again if it was posted before.</summary>
    public async Task Send(Random random, Submission submission)
    {
        if (await callers.Ask(random, HttpMethod.Post, "/api/jobs", submission.Body, submission.Key) is not { } answer)
            return;
        Load.Expect(answer, 200, "POST /api/jobs");
        submission.Acknowledged(answer.Id);
        ledger.Event();
    }

    /// <summary>Asks until it is heard.</summary>
    public async Task Cancel(Random random, Submission submission)
    {
        while (!submission.CancelAcknowledged)
            submission.CancelAcknowledged = await Act(random, submission, "cancel");
    }

    private async Task<bool> Act(Random random, Submission submission, string what)
    {
        if (await callers.Ask(random, HttpMethod.Post, $"/api/jobs/{submission.Id}/{what}") is not { } answer)
            return false;
        Load.Expect(answer, 200, $"{what} of job {submission.Id}");
        ledger.Event();
        return true;
    }

    /// <summary>Looks at a job through one silo after another, for a while or until it is final.</summary>
    private async Task LookAt(Random random, int job)
    {
        for (var looks = random.Next(1, 6); looks > 0; looks--)
        {
            if (await callers.Ask(random, HttpMethod.Get, $"/api/jobs/{job}?wait=2") is not { } answer)
                continue;
            Load.Expect(answer, 200, $"GET of job {job}, which was acknowledged");
            ledger.Event();
            if (answer["status"].GetString() is not ("success" or "failed"))
                continue;
            ledger.Final(job, Load.Shown(answer.Body));
            return;
        }
    }

    private async Task Groups(Random random)
    {
        var members = new List<Submission>();
        for (var count = 0; count < 2; count++)
        {
            var member = ledger.Add(Recipe.All[random.Next(2)], key: null, execute: false);
            await Send(random, member);
            if (member.Id is null)
                return;
            members.Add(member);
        }

        var jobs = members.Select(member => member.Id!.Value).ToArray();
        if (await callers.Ask(random, HttpMethod.Post, "/api/job-group", new { jobs, execute = true }) is not { } answer)
            return;
        Load.Expect(answer, 200, "POST /api/job-group");
        ledger.Groups[answer.Id] = jobs;
        foreach (var member in members)
            member.StartAcknowledged = true;
        ledger.Event();
        await LookAt(random, jobs[0]);
        await Pause(2_000);
    }

    private async Task Tokens(Random random)
    {
        if (await callers.Ask(random, HttpMethod.Post, "/api/tokens", new { user = "mia", scopes = new[] { "jobs:read" } }) is { } answer)
        {
            Load.Expect(answer, 200, "POST /api/tokens");
            var token = new KnownToken(answer["id"].GetString()!, answer["token"].GetString()!);
            ledger.Tokens.Enqueue(token);
            if (random.Next(2) == 0)
            {
                token.RevocationAsked = true;
                token.RevocationAcknowledged = await callers.Ask(random, HttpMethod.Delete, $"/api/tokens/{token.Id}") is { Status: 200 };
            }
        }

        await Pause(1_500);
    }

    /// <summary>What lists show is the truth too.</summary>
    private async Task Lists(Random random)
    {
        if (await callers.Ask(random, HttpMethod.Get, "/api/jobs") is { } answer)
        {
            Load.Expect(answer, 200, "GET /api/jobs");
            foreach (var job in JsonSerializer.Deserialize<JobsShown>(answer.Body, JsonSerializerOptions.Web)!.Results.Where(job => job.Status is "success" or "failed"))
                ledger.Final(job.Id, JsonSerializer.Serialize(job));
        }

        await Pause(700);
    }

    private void Read(int job, Random random)
    {
        foreach (var task in new[] { null, "a" })
        {
            var log = ledger.Logs.GetOrAdd((job, task), known => new SeenLog(known.Job, known.Task));
            var its = new Random(random.Next());
            lock (gate)
            {
                // As many at a time as a small machine can bear.
                if (readers.Count(reader => !reader.IsCompleted) < 2 * LogReaders)
                    readers.Add(new LogReader(callers, ledger, log).Run(its, enough));
            }
        }
    }

    private async Task Pause(int milliseconds)
    {
        try
        {
            await Task.Delay(milliseconds, enough);
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }
}
