using System.Diagnostics;
using System.Globalization;
using Builds.Support;

namespace Builds.Tests.Silos;

/// <summary>The watchers of the recovery harness see what they are there to see.</summary>
public sealed class WatchTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly List<Process> processes = [];

    public void Dispose()
    {
        foreach (var process in processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        folder.Dispose();
    }

    [Fact]
    public async Task Two_attempts_of_a_job_that_are_alive_at_once_are_seen()
    {
        var watch = new ProcessWatch(folder.Path);
        Start(job: 7, attempt: 1);
        Start(job: 8, attempt: 2);
        await watch.Watch(Seen(watch, 2));

        Start(job: 7, attempt: 2);

        var mistake = await Should.ThrowAsync<HarnessException>(watch.Watch(new TaskCompletionSource().Task).WaitAsync(TimeSpan.FromSeconds(30)));
        mistake.Message.ShouldStartWith("two attempts of job 7 are alive");
    }

    [Fact]
    public async Task A_process_that_outlives_its_silo_is_seen()
    {
        var watch = new ProcessWatch(folder.Path);
        Start(job: 7, attempt: 1);

        var mistake = await Should.ThrowAsync<HarnessException>(watch.AllGone(TimeProvider.System.GetTimestamp(), TimeSpan.FromMilliseconds(100)));

        mistake.Message.ShouldContain("sleep 1000");
    }

    [Fact]
    public async Task A_silo_does_not_outlive_a_test_process_that_is_killed()
    {
        await using var tests = TestProgram.Start(null, "leash");
        var silo = Process.GetProcessById(int.Parse(await tests.Line(), CultureInfo.InvariantCulture));
        processes.Add(silo);

        tests.Kill();

        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await silo.WaitForExitAsync(bound.Token);
    }

    private void Start(int job, int attempt)
    {
        var start = new ProcessStartInfo("sleep", ["1000"]) { UseShellExecute = false };
        start.Environment[Recipe.Mark] = ProcessWatch.RunOf(folder.Path);
        start.Environment["JOB_ID"] = $"{job}";
        start.Environment["JOB_ATTEMPT"] = $"{attempt}";
        processes.Add(Process.Start(start)!);
    }

    // Between fork and exec a process has the environment of its parent.
    private static async Task Seen(ProcessWatch watch, int count)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (watch.Alive().Count < count)
            await timer.WaitForNextTickAsync();
    }
}
