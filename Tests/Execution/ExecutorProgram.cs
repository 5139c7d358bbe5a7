using System.Globalization;
using Builds.Execution.Places;
using Builds.Support;

namespace Builds.Execution;

/// <summary>
/// An executor in a process of its own.
/// <c>executor trees DATA DRIVER LEASE-SECONDS COUNT TOKEN</c>: runs that many hostile builds, says <c>up</c> when all are, and waits.
/// <c>executor plan DATA DRIVER NAME ARGUMENT</c>: runs one of <see cref="Plans"/> and prints the transcript.
/// <c>executor image DATA ROOT</c> and <c>executor next DATA</c>: see <see cref="OrdinaryUserProgram"/>.
/// </summary>
internal static class ExecutorProgram
{
    public static async Task<int> Run(string[] arguments)
    {
        if (arguments[0] == "image") return await OrdinaryUserProgram.UseImage(arguments[1], arguments[2]);
        if (arguments[0] == "next") return await OrdinaryUserProgram.Sweep(arguments[1]);
        var driver = Enum.Parse<ExecutionDriver>(arguments[2]);
        if (arguments[0] == "plan")
        {
            await using var harness = new ExecutorHarness(o => o.Driver = driver, arguments[1]);
            var recorder = new FakeRecorder();
            var outcome = await harness.Executor.Run(Plans.Named(arguments[3], arguments[4]), recorder, default, default);
            Console.Write(recorder.Transcript(outcome));
            return 0;
        }

        var lease = TimeSpan.FromSeconds(int.Parse(arguments[3], CultureInfo.InvariantCulture));
        var count = int.Parse(arguments[4], CultureInfo.InvariantCulture);
        await using var trees = new ExecutorHarness(o => o.Driver = driver, arguments[1], lease);
        var builds = Enumerable.Range(0, count).Select(slot => HostileTree.Start(trees, slot, arguments[5])).ToArray();
        foreach (var build in builds) await build.Ready;
        Console.WriteLine("up");
        foreach (var build in builds) await build.Outcome;
        return 0;
    }
}
