using Builds.Execution.Parking;
using Builds.Execution.Sandbox;
using Builds.Jobs;

namespace Builds.Execution;

/// <summary>Where environments are parked, and what people are told about it.</summary>
/// <param name="Worker">The name of the worker.</param>
/// <param name="Data">Its data directory.</param>
/// <param name="Time">How long they are kept.</param>
internal sealed record Keeping(ParkingLot Lot, string Worker, string Data, TimeSpan Time);

internal sealed partial class BuildRun
{
    /// <summary>What has become of the environment, which is nobody else's then; null: nothing is left of it.</summary>
    public ParkedEnvironment? Parked { get; private set; }

    /// <summary>Parks the environment if somebody may want to look at it, and says so while the setup log is still open.</summary>
    private async Task Park(BuildOutcome outcome, Action<Guard> ended)
    {
        if (!_up || Stopping || EndWorthALook(outcome) is not { } end) return;
        try
        {
            var why = place.Driver.OwnNamespace ? null : $"driver {place.Driver.Name} has nothing around it in which all of it could be stopped";
            if (why is null)
                (Parked, why) = keeping.Lot.Park(new ParkedBuild(plan.Job, plan.Attempt, end, place, _guard, () => TearDown(ended)), _kill);
            if (Parked is not null)
                await Say($"This environment is kept for {ParkedEnvironment.Words(keeping.Time)}. On the machine of worker {keeping.Worker}: builds shell {plan.Job} --data {ShellText.Quote(keeping.Data)}");
            else if (plan.Manifest.Shell)
                await Say($"shell: the environment is not kept: {why}");
        }
        catch (Exception e) when (EndOf(e) is not null && Parked is { } parked)
        {
            parked.End("its attempt was given up");
            // What stays of it is said where it is looked after.
            await parked.Gone.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception e) when (EndOf(e) is not null)
        {
            // Nobody is left to read it.
        }
    }

    /// <summary>How a build ended whose environment is worth keeping, in words; null: it is not.</summary>
    private string? EndWorthALook(BuildOutcome outcome) => outcome switch
    {
        BuildOutcome.Failed { Reason: FailReason.Task or FailReason.Setup or FailReason.Artifact or FailReason.Limit } failed => $"failed ({failed.Reason.Word()})",
        BuildOutcome.Succeeded when plan.Manifest.Shell => "success",
        _ => null,
    };

    private async Task TearDown(Action<Guard> ended)
    {
        await EndGuard(ended);
        await RemoveFiles();
    }
}
