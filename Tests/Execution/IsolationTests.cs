using Builds.Execution.Native;
using Builds.Support;

namespace Builds.Execution;

/// <summary>What a build in image <c>host</c> must not be able to do, tried by a build.</summary>
public sealed class IsolationTests : IDisposable
{
    private const uint OrdinaryUser = 23456;

    // Not in /tmp, which is masked anyway.
    private readonly string _data = Path.Combine(AppContext.BaseDirectory, $"data-{Guid.NewGuid():N}");

    public IsolationTests()
    {
        Directory.CreateDirectory(_data);
        foreach (var file in new[] { $"{_data}.secret", $"{_data}/token" })
        {
            File.WriteAllText(file, "secret");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    public void Dispose()
    {
        Directory.Delete(_data, recursive: true);
        File.Delete($"{_data}.secret");
    }

    [RootFact]
    public async Task A_build_of_a_silo_that_is_root_cannot_leave_its_sandbox()
    {
        await using var harness = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap, _data);
        using var stop = new CancellationTokenSource();
        var neighbour = new FakeRecorder();
        var running = harness.Run(ExecutorHarness.Manifest("echo here; sleep 1000"), neighbour, slot: 1, kill: stop.Token);
        await neighbour.Until(r => r.Log(0).Contains("here\n", StringComparison.Ordinal));
        var recorder = new FakeRecorder();

        var outcome = await harness.Executor.Run(Plans.Named("prowl", _data), recorder, default, default);

        recorder.Transcript(outcome).ShouldContain(Plans.ProwlRefused);
        await stop.CancelAsync();
        await running;
    }

    [RootFact]
    public async Task A_build_does_not_see_what_the_silo_keeps_elsewhere_whoever_may_read_it()
    {
        var store = Directory.CreateDirectory(Path.Combine(_data, "..", $"{Path.GetFileName(_data)}.store")).FullName;
        var readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        try
        {
            await File.WriteAllTextAsync($"{store}/log", "secret");
            foreach (var file in new[] { $"{_data}.secret", $"{store}/log" }) File.SetUnixFileMode(file, readable);
            await using var harness = new ExecutorHarness(o => (o.Driver, o.Hidden) = (ExecutionDriver.Bubblewrap, [store, $"{_data}.secret", $"{_data}.none"]), _data);
            var recorder = new FakeRecorder();

            var outcome = await harness.Run(ExecutorHarness.Manifest($"set +ex; ls -A {store}; cat {_data}.secret 2>&1; echo over"), recorder);

            outcome.ShouldBeOfType<BuildOutcome.Succeeded>(recorder.Transcript(outcome));
            recorder.Log(0).ShouldNotContain("secret\n");
            recorder.Log(0).ShouldEndWith($"cat: {_data}.secret: Permission denied\nover\n");
        }
        finally
        {
            Directory.Delete(store, recursive: true);
        }
    }

    [RootFact]
    public async Task A_build_of_a_silo_that_is_an_ordinary_user_cannot_leave_its_sandbox()
    {
        foreach (var path in new[] { _data, $"{_data}/token" }) Libc.ChangeOwner(path, OrdinaryUser, OrdinaryUser).ShouldBe(0);
        await using var silo = TestProgram.Start((int)OrdinaryUser, "executor", "plan", _data, "Bubblewrap", "prowl", _data);

        (await silo.ToEnd()).ShouldContain(Plans.ProwlRefused);
    }
}
