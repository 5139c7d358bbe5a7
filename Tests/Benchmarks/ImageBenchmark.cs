using Builds.Benchmarks.Ceilings;
using Builds.Benchmarks.Measuring;
using Builds.Benchmarks.Silos;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Images;
using Builds.Jobs;
using Builds.Manifests;
using Builds.Support;
using Builds.Workers;

namespace Builds.Benchmarks;

/// <summary>What an image costs before the first command of a build, beside the bare start of its sandbox's command line with the same disk, layers and limits.</summary>
internal sealed class ImageBenchmark(ImageDriver driver, string aim) : Benchmark
{
    private const string Preamble = "#!/bin/sh\nset -e\n";
    private const int Tasks = 10;
    private static readonly TimeSpan Lease = TimeSpan.FromHours(1);

    private readonly string driverName = driver.ToString().ToLowerInvariant();

    public override string Name => $"images-{driverName}";

    public override string Says => $"Builds in an image under {driverName}, one at a time, beside the bare start of their sandbox.";

    public override string? Obstacle =>
        Environment.UserName != "root" ? "images need root"
        : !File.Exists(Busybox.Program) ? "busybox is not installed: apt-get install busybox-static"
        : driver == ImageDriver.Podman && SandboxMachine.FindPodman() is null ? "podman is not installed: apt-get install podman"
        : BuildBenchmark.NeedsBubblewrap;

    public override async Task Run(Scale scale, string directory, Table table)
    {
        await using var silo = await BenchmarkSilo.Start(directory, 1, ExecutionDriver.Bubblewrap);
        var (executor, boot) = (silo.Service<BuildExecutor>(), silo.Service<IBootClock>());
        var machine = await executor.Start(CancellationToken.None);
        var image = await new ImageMaker(silo.Service<ImageStore>(), machine, silo.Service<GuardProgram>(), _ => { }).Add(
            new ImageOrder { Name = "busybox", Driver = driver, RootFs = await Busybox.MakeRoot(Path.Combine(directory, "busybox")), Plain = true, Preamble = Preamble },
            DateTimeOffset.UnixEpoch, CancellationToken.None);
        executor.Renew(boot.Now + Lease);
        var place = await machine.Place(1, image, machine.DriverOf(image.Driver).Driver!);

        async Task Bare()
        {
            await place.Workspace.Create();
            var (program, arguments) = place.Command(boot.Now + Lease, "benchmark");
            await Spawn.Once(program, arguments);
            await place.Workspace.Remove();
        }

        async Task Build(int tasks)
        {
            var plan = new BuildPlan
            {
                Job = new JobId(1),
                Attempt = 1,
                Slot = 0,
                Owner = "benchmark",
                JobUrl = "http://builds.invalid/1",
                Manifest = new BuildManifest { Image = image.Name, Tasks = [.. Enumerable.Range(0, tasks).Select(number => new BuildTask($"true-{number}", "true"))] },
            };
            var recorder = new FakeRecorder();
            if (await executor.Run(plan, recorder, default, default) is var outcome and not BuildOutcome.Succeeded)
                throw new InvalidOperationException(recorder.Transcript(outcome));
        }

        var bare = $"{driverName} image: bare start and end of the sandbox";
        var ready = $"{driverName} image: ready for its first command, and down";
        var rates = await Load.InTurns(scale,
            span => Load.Run(1, span, _ => Bare()),
            span => Load.Run(1, span, _ => Build(tasks: 0)),
            span => Load.Run(1, span, _ => Build(Tasks)));
        table.Add(Row.Of(bare, rates[0]));
        table.Add(Row.Of(ready, rates[1]).Under(bare, rates[0], aim));
        table.Add(Row.Of($"{driverName} image: the same with {Tasks} tasks of true", rates[2]).Under(ready, rates[1]));
    }
}
