using System.Globalization;
using Builds.Execution.Native;

namespace Builds;

/// <summary>
/// For the recovery tests: a process that is started with <c>BUILDS_KILL_POINT=NAME:N:MILLISECONDS</c> ends itself by SIGKILL when it
/// passes the <see cref="KillPoint"/> of that name for the Nth time. SIGKILL is what a crash looks like: nothing is flushed, nobody is
/// told. Whoever passes the point stands still there for the milliseconds before, while all others go on: what was acknowledged too early
/// gets out in that time, and is missed afterwards.
/// </summary>
internal static class KillSwitch
{
    public const string Variable = "BUILDS_KILL_POINT";

    /// <summary>Switches it on if the variable asks for that.</summary>
    public static void Arm()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } wanted)
            return;
        if (wanted.Split(':') is not [var point, var number, var time] || !IsWhole(number, out var left) || !IsWhole(time, out var milliseconds))
            throw new FormatException($"{Variable} must be NAME:N:MILLISECONDS, a kill point, which time it is passed and how long before the end, not '{wanted}'");

        KillPoint.Watcher = passed =>
        {
            if (passed != point || Interlocked.Decrement(ref left) != 0)
                return;
            using var still = new ManualResetEventSlim();
            still.Wait(milliseconds);
            _ = Libc.SendSignal(Environment.ProcessId, Libc.Kill);
        };
    }

    private static bool IsWhole(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
