using System.Text.Json;
using Builds.Tests.Silos;

namespace Builds.Tests.Recovery;

/// <summary>Callers of one silo, who go on until it dies.</summary>
internal sealed class Load(SiloClient client, Ledger ledger, int seed)
{
    private const int Submitters = 3;

    private readonly List<Task> readers = [];
    private readonly Lock gate = new();

    /// <summary>Ends with the silo; throws if that did something that it must not.</summary>
    public async Task Run()
    {
        // Readers of earlier rounds come back to where they were.
        foreach (var log in ledger.Logs.Values)
            Read(log);
        var callers = Enumerable.Range(0, Submitters).Select(number => Submit(new Random(seed + number)))
            .Append(Tokens()).Append(Groups(new Random(seed + Submitters)));
        await Task.WhenAll(callers);
        await Task.WhenAll(readers);
    }

    private async Task Submit(Random random)
    {
        while (!client.Silo.Ended.IsCompleted)
        {
            var mine = new List<Submission>();
            for (var count = random.Next(1, 4); count > 0; count--)
                mine.Add(await SubmitOne(random));
            foreach (var submission in mine.Where(known => known.Id is not null))
                await Treat(submission, random);
            // Not the next ones before one of these has ended: a queue that only grows would never be seen to end.
            foreach (var submission in mine.Where(known => known.MustEnd).Take(1))
                await WaitUntilFinal(submission.Id!.Value);
        }
    }

    private async Task<Submission> SubmitOne(Random random)
    {
        var recipe = Recipe.All[random.Next(Recipe.All.Count)];
        var submission = ledger.Add(recipe, key: random.Next(2) == 0 ? Guid.NewGuid().ToString() : null, execute: random.Next(4) > 0);
        await Send(client, ledger, submission);
        // The same once more, as a caller would whose first answer got lost; often at the same time.
        if (submission.Key is not null && random.Next(3) == 0)
            await Task.WhenAll(Send(client, ledger, submission), Send(client, ledger, submission));
        if (submission.Id is { } id && random.Next(2) == 0)
        {
            Read(ledger.Logs.GetOrAdd((id, null), known => new SeenLog(known.Job, known.Task)));
            Read(ledger.Logs.GetOrAdd((id, "a"), known => new SeenLog(known.Job, known.Task)));
        }

        return submission;
    }

    /// <summary>Posts a job, again if it was posted before.</summary>
    public static async Task Send(SiloClient client, Ledger ledger, Submission submission)
    {
        var answer = await client.Ask(HttpMethod.Post, "/api/jobs", submission.Body, submission.Key);
        if (answer is null)
            return;
        Expect(answer, 200, "POST /api/jobs");
        submission.Acknowledged(answer.Id);
        ledger.Event();
    }

    private async Task Treat(Submission submission, Random random)
    {
        if (!submission.Execute && random.Next(4) > 0)
            submission.StartAcknowledged |= await Act(submission, "start");
        if (random.Next(4) == 0)
            submission.CancelAcknowledged |= await Act(submission, "cancel");
    }

    private async Task<bool> Act(Submission submission, string what)
    {
        if (await client.Ask(HttpMethod.Post, $"/api/jobs/{submission.Id}/{what}") is not { } answer)
            return false;
        Expect(answer, 200, $"{what} of job {submission.Id}");
        ledger.Event();
        return true;
    }

    private async Task WaitUntilFinal(int job)
    {
        while (await client.Get($"/api/jobs/{job}?wait=20") is { } answer)
        {
            Expect(answer, 200, $"GET of job {job}, which was acknowledged");
            ledger.Event();
            if (answer["status"].GetString() is not ("success" or "failed"))
                continue;
            ledger.Final(job, Shown(answer.Body));
            return;
        }
    }

    /// <summary>All of a job that must not change once it is final.</summary>
    public static string Shown(string body) => JsonSerializer.Serialize(JsonSerializer.Deserialize<JobShown>(body, JsonSerializerOptions.Web));

    private async Task Tokens()
    {
        // At least two, since the second revocation is the third write: then now and then, as the others make events.
        while (await client.Ask(HttpMethod.Post, "/api/tokens", new { user = "mia", scopes = new[] { "jobs:read" } }) is { } answer)
        {
            Expect(answer, 200, "POST /api/tokens");
            var token = new KnownToken(answer["id"].GetString()!, answer["token"].GetString()!);
            ledger.Tokens.Enqueue(token);
            ledger.Event();
            if (ledger.Tokens.Count % 2 == 0)
            {
                token.RevocationAsked = true;
                token.RevocationAcknowledged = await client.Ask(HttpMethod.Delete, $"/api/tokens/{token.Id}") is { Status: 200 };
            }

            await Task.WhenAny(ledger.Later(10), client.Silo.Ended);
        }
    }

    private async Task Groups(Random random)
    {
        while (!client.Silo.Ended.IsCompleted)
        {
            var members = new List<Submission>();
            for (var count = 0; count < 2; count++)
            {
                var member = ledger.Add(Recipe.All[random.Next(2)], key: null, execute: false);
                await Send(client, ledger, member);
                if (member.Id is null)
                    return;
                members.Add(member);
            }

            var jobs = members.Select(member => member.Id!.Value).ToArray();
            if (await client.Ask(HttpMethod.Post, "/api/job-group", new { jobs, execute = true }) is not { } answer)
                return;
            Expect(answer, 200, "POST /api/job-group");
            ledger.Groups[answer.Id] = jobs;
            foreach (var member in members)
                member.StartAcknowledged = true;
            ledger.Event();
            foreach (var job in jobs)
                await WaitUntilFinal(job);
        }
    }

    private void Read(SeenLog log)
    {
        lock (gate)
            readers.Add(client.Follow(log, ledger.Event));
    }

    public static void Expect(Answer answer, int status, string what)
    {
        if (answer.Status != status)
            throw new HarnessException($"{what} was answered {answer.Status}, not {status}: {answer.Body}");
    }
}

/// <summary>A job as REST shows it.</summary>
internal sealed record JobShown(int Id, string Status, string? Reason, string Tags, TaskShown[] Tasks, string? Runner);

internal sealed record TaskShown(string Name, string Status);

internal sealed record JobsShown(string? Next, JobShown[] Results);
