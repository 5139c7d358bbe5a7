using System.Globalization;
using Builds.Execution.Native;

namespace Builds;

/// <summary>
/// For the recovery tests: a process that is started with <c>BUILDS_KILL_POINT=NAME:N</c> ends itself by SIGKILL when it passes the
/// <see cref="KillPoint"/> of that name for the Nth time. SIGKILL is what a crash looks like: nothing is flushed, nobody is told.
/// </summary>
internal static class KillSwitch
{
    public const string Variable = "BUILDS_KILL_POINT";

    /// <summary>Switches it on if the variable asks for that.</summary>
    public static void Arm()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } wanted)
            return;
        if (wanted.Split(':') is not [var point, var number] || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var left))
            throw new FormatException($"{Variable} must be NAME:N, the name of a kill point and which time it is passed, not '{wanted}'");

        KillPoint.Watcher = passed =>
        {
            if (passed == point && Interlocked.Decrement(ref left) == 0)
                _ = Libc.SendSignal(Environment.ProcessId, Libc.Kill);
        };
    }
}
