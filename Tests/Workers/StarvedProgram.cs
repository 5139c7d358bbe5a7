using System.Globalization;
using Builds.Cluster;
using Builds.Execution;
using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace Builds.Tests.Workers;

/// <summary>
/// A process whose thread pool is blocked on purpose.
/// <c>starved worker</c>: the real worker while no thread of the pool is free, for ever. Says <c>beats</c> when it went on sending heartbeats, and
/// <c>ended</c> when it ended its build at the end of the lease.
/// <c>starved silo SECONDS BLOCKED SPINNING</c>: a silo with that many builds that want a processor each, and that many threads that wait at a time.
/// Says whether the lease was kept all the time, how old it ever was, and whether the builds live.
/// </summary>
internal static class StarvedProgram
{
    public static Task<int> Run(string[] arguments) => arguments[0] == "worker"
        ? Worker()
        : Silo(TimeSpan.FromSeconds(Number(arguments[1])), Number(arguments[2]), Number(arguments[3]));

    private static async Task<int> Worker()
    {
        var worker = await LoneWorker.Start(TimeProvider.System, new LeaseOptions { Heartbeat = TimeSpan.FromSeconds(0.2), Lease = TimeSpan.FromSeconds(2) });
        (await worker.NextBeat()).Answer(renewed: true);
        var build = await worker.Build(1);
        var isHeard = true;
        new Thread(() =>
        {
            Block();
            using var beats = new CountdownEvent(10);
            worker.OnBeat = beat =>
            {
                if (!Volatile.Read(ref isHeard))
                    return;
                beat.Answer(renewed: true);
                if (!beats.IsSet)
                    beats.Signal();
            };
            beats.Wait();
            Console.WriteLine("beats");
            Volatile.Write(ref isHeard, false);
            build.Kill.WaitHandle.WaitOne();
            Console.WriteLine("ended");
            // Nothing in this process can end in good order any more.
            Environment.Exit(0);
        }).Start();
        return await new TaskCompletionSource<int>().Task;
    }

    /// <summary>Takes every thread that the pool may ever have.</summary>
    private static void Block()
    {
        var most = Environment.ProcessorCount + 2;
        ThreadPool.SetMinThreads(most, 1);
        ThreadPool.SetMaxThreads(most, 1).ShouldBeTrue();
        using var blocked = new CountdownEvent(most);
        var never = new ManualResetEventSlim();
        for (var i = 0; i < most; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                blocked.Signal();
                never.Wait();
            }, null);
        }

        blocked.Wait();
    }

    private static async Task<int> Silo(TimeSpan length, int blocked, int spinning)
    {
        var data = DataDirectory.Create(Path.Combine(Path.GetTempPath(), $"builds-test-{Guid.NewGuid():N}"));
        using var held = data.Lock();
        var settings = new Dictionary<string, string?> { ["Builds:Worker:Slots"] = Math.Max(1, spinning).ToString(CultureInfo.InvariantCulture) };
        using (var host = BuildsHost.WithoutHttp(new BuildsHostOptions { Data = data, Settings = settings }))
        {
            await host.StartAsync();
            var grains = host.Services.GetRequiredService<IGrainFactory>();
            var jobs = new List<IJobGrain>();
            for (var i = 0; i < spinning; i++)
            {
                jobs.Add(grains.GetGrain<IJobGrain>((await grains.GetGrain<IJobIdGrain>(0).Next()).Value));
                await jobs[i].Submit(Some.Submission(manifest: "image: host\ntasks:\n- spin: 'while :; do :; done'\n"));
            }

            while (!(await Task.WhenAll(jobs.Select(job => job.Get()))).All(job => job!.Status == JobStatus.Running))
                await grains.GetGrain<IQueueGrain>(IQueueGrain.DefaultPool).Snapshot();
            await Task.Factory.StartNew(
                () => Watch(host.Services.GetRequiredService<WorkerAgent>(), length, blocked), default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            var ended = (await Task.WhenAll(jobs.Select(job => job.Get()))).Count(job => job is not { Status: JobStatus.Running, Attempt: 1 });
            Console.WriteLine(ended == 0 ? "all builds go on" : $"{ended} builds were ended");
            foreach (var job in jobs)
                await job.Cancel();
            host.Services.GetRequiredService<WorkerHost>().HandBackNow();
            await host.StopAsync();
        }

        Directory.Delete(data.Path, recursive: true);
        return 0;
    }

    /// <summary>Keeps so many work items of the pool waiting, one second each, and looks at the lease meanwhile.</summary>
    private static void Watch(WorkerAgent agent, TimeSpan length, int blocked)
    {
        using var over = new ManualResetEventSlim();
        using var done = new CountdownEvent(1 + blocked);
        for (var i = 0; i < blocked; i++)
            ThreadPool.UnsafeQueueUserWorkItem(Again, null);
        var start = BootClock.Now;
        var least = TimeSpan.MaxValue;
        while (BootClock.Now - start < length)
        {
            if (agent.LeaseLeft is { } left && left < least)
                least = left;
            over.Wait(TimeSpan.FromMilliseconds(5));
        }

        over.Set();
        done.Signal();
        done.Wait();
        var longest = new LeaseOptions().Lease - least;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(least > TimeSpan.Zero ? "kept" : "lost")}: a lease was at most {longest.TotalSeconds:0.00} s old"));

        void Again(object? _)
        {
            if (over.Wait(TimeSpan.FromSeconds(1)))
                done.Signal();
            else
                ThreadPool.UnsafeQueueUserWorkItem(Again, null);
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
