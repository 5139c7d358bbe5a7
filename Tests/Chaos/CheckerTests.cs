using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Builds.Jobs;
using Builds.Tests.Chaos.Measurements;
using Builds.Tests.Silos;

namespace Builds.Tests.Chaos;

/// <summary>The checkers find what they are there to find, in histories that no healthy cluster has.</summary>
public sealed class CheckerTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Two_attempts_that_are_alive_at_once_are_seen_however_short_the_moment()
    {
        await using var witness = new Witness();
        var (mistakes, began) = Listen(witness);
        using var first = await Run(witness, job: 7, attempt: 1);
        await began.WaitAsync(Bound);

        using var second = await Run(witness, job: 7, attempt: 2);
        await began.WaitAsync(Bound);

        mistakes.Single().ShouldStartWith("two attempts are alive at once: attempt 1 of job 7");
    }

    [Fact]
    public async Task An_attempt_whose_last_process_has_ended_is_not_alive()
    {
        await using var witness = new Witness();
        var (mistakes, began) = Listen(witness);
        (await Run(witness, job: 7, attempt: 1)).Dispose();
        await began.WaitAsync(Bound);

        using var second = await Run(witness, job: 7, attempt: 2);
        await began.WaitAsync(Bound);

        mistakes.ShouldBeEmpty();
        witness.AliveOf(7).Single().Attempt.ShouldBe(2);
    }

    [Fact]
    public async Task A_build_that_outlives_the_end_of_its_attempt_is_seen()
    {
        await using var witness = new Witness();
        var (_, began) = Listen(witness);
        using var build = await Run(witness, job: 7, attempt: 1);
        await began.WaitAsync(Bound);
        var mistakes = new List<string>();
        await using var records = new Records("Host=nowhere.invalid", witness, mistakes.Add);

        records.Note(1, Job(JobStatus.Running));
        mistakes.ShouldBeEmpty();
        records.Note(2, Job(JobStatus.Queued) with { Lost = 1, EndedAttempts = [new EndedAttempt(1, "its lease was over", [])] });

        mistakes.Single().ShouldContain("is alive although its end was stored");
    }

    [Theory]
    [InlineData("stale report accepted: an attempt that was given up ended the job")]
    [InlineData("requeued twice: an attempt is missing")]
    [InlineData("final and changed")]
    [InlineData("back to an earlier record")]
    [InlineData("a task went backwards")]
    [InlineData("cancelled and ran again")]
    [InlineData("lost more workers than allowed")]
    public void A_record_that_must_never_follow_another_one_is_seen(string which)
    {
        var given = new EndedAttempt(1, "its lease was over", []);
        var again = Job(JobStatus.Running) with { Attempt = 2, Lost = 1, EndedAttempts = [given], Revision = 5 };
        var (before, now) = which.Split(':')[0] switch
        {
            "stale report accepted" => (again, again with { Status = JobStatus.Success, EndedAttempts = [], Revision = 6 }),
            "requeued twice" => (again, again with { Attempt = 4, Revision = 6 }),
            "final and changed" => (Job(JobStatus.Success), Job(JobStatus.Failed) with { Reason = FailReason.Task, Revision = 6 }),
            "back to an earlier record" => (again, again with { Revision = 4 }),
            "a task went backwards" => (Tasks(BuildTaskStatus.Success), Tasks(BuildTaskStatus.Running)),
            "cancelled and ran again" => (Job(JobStatus.Running) with { CancelRequested = true }, again with { CancelRequested = true }),
            _ => (again, again with { Lost = ChaosCluster.MaxAttempts + 1, Revision = 6 }),
        };

        RecordRules.Mistake(null, before, ChaosCluster.MaxAttempts).ShouldBeNull();
        RecordRules.Mistake(before, now, ChaosCluster.MaxAttempts).ShouldNotBeNull();
    }

    [Fact]
    public void A_job_that_stays_running_although_no_worker_has_it_is_seen()
    {
        var mistakes = new List<string>();
        var watch = new LeaseWatch(mistakes.Add);
        void Look(double seconds, JobState job, params (int Job, int Attempt)[] held) => watch.Look(TimeSpan.FromSeconds(seconds), [job], held.ToHashSet());

        // Being claimed, held, between two workers for a while, and reported a moment after it left its slot.
        Look(0, Job(JobStatus.Running), (7, 0));
        Look(29, Job(JobStatus.Running), (7, 1));
        Look(30, Job(JobStatus.Running));
        Look(60, Job(JobStatus.Running));
        Look(61, Job(JobStatus.Running) with { Attempt = 2 }, (7, 2));
        Look(70, Job(JobStatus.Running) with { Attempt = 2 });
        Look(99, Job(JobStatus.Success) with { Attempt = 2 });
        mistakes.ShouldBeEmpty();

        // An attempt that a worker has is no excuse for another one.
        Look(100, Job(JobStatus.Running) with { Attempt = 3 }, (7, 2));
        Look(131, Job(JobStatus.Running) with { Attempt = 3 }, (7, 2));
        mistakes.Single().ShouldContain("attempt 3, and for 31.0 s no worker has it");
    }

    [Fact]
    public void The_first_in_line_that_waits_beside_a_free_slot_is_seen()
    {
        var mistakes = new List<string>();
        var watch = new DispatchWatch(mistakes.Add);
        var (at, first) = (TimeSpan.Zero, Job(JobStatus.Queued) with { QueuedAt = DateTimeOffset.UnixEpoch });
        void Looks(double seconds, JobState job, int free, double step = 0.1)
        {
            for (var end = at + TimeSpan.FromSeconds(seconds); at < end; at += TimeSpan.FromSeconds(step))
                watch.Look(at, at + TimeSpan.FromSeconds(step / 2), [job, Job(JobStatus.Queued) with { Id = new JobId(8), QueuedAt = first.QueuedAt?.AddSeconds(1) }], free);
        }

        // No slot; one for a moment; another one in between; looks by a machine that had no time; and a job that came back to the line.
        Looks(5, first, free: 0);
        Looks(0.9, first, free: 1);
        Looks(0.1, first, free: 0);
        Looks(0.9, first, free: 1);
        Looks(0.9, first with { Id = new JobId(6) }, free: 1);
        Looks(5, first, free: 1, step: 1);
        Looks(0.9, first with { Revision = 6 }, free: 1);
        mistakes.ShouldBeEmpty();
        watch.Longest.ShouldBeLessThan(DispatchWatch.Bound);

        Looks(2, first, free: 2);
        mistakes.Single().ShouldContain("job 7 is the first in line");
        mistakes.Single().ShouldContain("while 2 slots were free");
    }

    [Fact]
    public void A_job_that_becomes_a_drained_workers_after_the_answer_is_seen()
    {
        static DateTimeOffset At(int second) => DateTimeOffset.UnixEpoch.AddSeconds(second);
        static JobState Claimed(string worker, int second) => Job(JobStatus.Success) with { Timeline = [new JobEvent(At(second), JobEventKind.Claimed, 1, worker, null)] };
        DrainRace[] races = [new("s1", At(10), At(12), At(20))];
        (IReadOnlyList<string> Mistakes, int Close, int InVain) Compare(bool ran, params JobState[] jobs) => DrainRaces.Compare(races, jobs, (_, _) => ran);

        Compare(ran: true, Claimed("s1", 9), Claimed("s1", 11), Claimed("s2", 15), Claimed("s1", 21)).ShouldSatisfyAllConditions(
            found => found.Mistakes.ShouldBeEmpty(), found => found.Close.ShouldBe(1));
        var late = Claimed("s1", 15) with { EndedAttempts = [new EndedAttempt(1, "its worker is leaving", [])] };
        Compare(ran: false, late).ShouldSatisfyAllConditions(found => found.Mistakes.ShouldBeEmpty(), found => found.InVain.ShouldBe(1));
        Compare(ran: true, late).Mistakes.Single().ShouldContain("was claimed by s1");
        Compare(ran: false, Claimed("s1", 15)).Mistakes.Single().ShouldContain("was claimed by s1");
    }

    [Fact]
    public void A_byte_that_a_reader_saw_and_that_changed_or_is_gone_is_seen()
    {
        var seen = new SeenLog(7, "a");
        seen.Append("one\ntwo\n"u8);

        seen.Compare("one\ntwo\nthree\n"u8.ToArray());
        Should.Throw<HarnessException>(() => seen.Compare("one\ntw"u8.ToArray())).Message.ShouldContain("a reader saw 8 bytes, now there are 6");
        Should.Throw<HarnessException>(() => seen.Compare("one\ntwO\n"u8.ToArray())).Message.ShouldContain("byte 6 of 8");
    }

    [Fact]
    public void One_submission_with_two_ids_and_a_final_status_that_changes_are_seen()
    {
        var ledger = new Ledger("run");
        var submission = ledger.Add(Recipe.All[0], key: "k", execute: true);
        submission.Acknowledged(7);
        ledger.Final(7, "success");

        Should.Throw<HarnessException>(() => submission.Acknowledged(8));
        Should.Throw<HarnessException>(() => ledger.Final(7, "failed"));
    }

    [Fact]
    public async Task A_cut_keeps_bytes_back_one_way_and_gives_them_when_it_is_healed_and_a_refusal_ends_the_connection()
    {
        using var server = new TcpListener(System.Net.IPAddress.Loopback, 0);
        server.Start();
        await using var proxy = new FaultProxy(((System.Net.IPEndPoint)server.LocalEndpoint).Port, _ => "s1");
        using var client = new TcpClient();
        await client.ConnectAsync(System.Net.IPAddress.Loopback, proxy.Port);
        using var accepted = await server.AcceptTcpClientAsync().WaitAsync(Bound);
        await Pass(client, accepted, "there");

        proxy.Set("s1", Link.Mute);
        await client.GetStream().WriteAsync("held"u8.ToArray());
        await Pass(accepted, client, "back goes through");
        accepted.Available.ShouldBe(0);
        proxy.Set("s1", Link.Whole);
        (await Read(accepted, 4)).ShouldBe("held");

        proxy.Set("s1", Link.Reset);
        await Should.ThrowAsync<IOException>(async () => await Read(client, 1));
    }

    [Fact]
    public void Figures_of_several_runs_are_added_up_and_a_seed_that_ran_again_counts_once()
    {
        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "totals");
        var round = new RoundFigures(1, 10, 1, 0, 100, 1000, 0, 0, new() { ["silo killed"] = 2 }, Looks: 7, Violations: 3, Seconds: 1);
        Totals.Add(file, round);
        Totals.Add(file, round with { Violations = 0 });
        Totals.Add(file, round with { Seed = 2, Violations = 1 });

        var text = Totals.Text(Totals.Read(file));

        text.ShouldStartWith("2 rounds, 20 jobs, 2 attempts lost");
        text.ShouldEndWith("silo killed 4; the first in line was watched in 2 rounds, by 14 looks; violations: 1 in 1 rounds (seeds 2)");
    }

    private static (List<string> Mistakes, SemaphoreSlim Began) Listen(Witness witness)
    {
        var (mistakes, began) = (new List<string>(), new SemaphoreSlim(0));
        witness.Mistaken += mistakes.Add;
        witness.Began += _ => began.Release();
        return (mistakes, began);
    }

    private static async Task<TcpClient> Run(Witness witness, int job, int attempt)
    {
        var build = new TcpClient();
        await build.ConnectAsync(System.Net.IPAddress.Loopback, witness.Port);
        await build.GetStream().WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{job} {attempt} 1\n")));
        return build;
    }

    private static async Task Pass(TcpClient from, TcpClient to, string text)
    {
        await from.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));
        (await Read(to, text.Length)).ShouldBe(text);
    }

    private static async Task<string> Read(TcpClient from, int count)
    {
        var buffer = new byte[count];
        using var bound = new CancellationTokenSource(Bound);
        await from.GetStream().ReadExactlyAsync(buffer, bound.Token);
        return Encoding.ASCII.GetString(buffer);
    }

    private static JobState Job(JobStatus status) => new() { Id = new JobId(7), Status = status, Attempt = 1, Revision = 4 };

    private static JobState Tasks(BuildTaskStatus status) => Job(JobStatus.Running) with { Tasks = [new JobTaskState("a", status)] };
}
