using Builds.Jobs;
using Orleans.Concurrency;

namespace Builds.Workers;

/// <summary>Where a worker stands. The numbers are on the wire: never reuse one.</summary>
[GenerateSerializer, Alias("WorkerStatus")]
public enum WorkerStatus
{
    /// <summary>Takes jobs.</summary>
    Ready = 0,
    /// <summary>Finishes what it has and takes nothing new.</summary>
    Draining = 1,
    /// <summary>Nothing left to finish; may go.</summary>
    Drained = 2,
    /// <summary>Silent for longer than its lease: everything it ran is given up.</summary>
    Lost = 3,
}

/// <summary>The words of <see cref="WorkerStatus"/> as they stand in answers and on the command line.</summary>
public static class WorkerWords
{
    public static string Word(this WorkerStatus status) => status switch
    {
        WorkerStatus.Ready => "ready",
        WorkerStatus.Draining => "draining",
        WorkerStatus.Drained => "drained",
        WorkerStatus.Lost => "lost",
    };
}

/// <summary>The worker of one silo, keyed by the silo's stable name. The silo is the truth: this is its door.</summary>
[Alias("IWorkerGrain")]
public interface IWorkerGrain : IGrainWithStringKey
{
    /// <summary>
    /// Reserves a slot and starts to claim the job, in the background. The same <paramref name="dispatchId"/> again while
    /// it is held: accepted again. For the queue.
    /// </summary>
    [Alias("Run"), ResponseTimeout("00:00:05")]
    Task<RunResult> Run(JobId job, string dispatchId);

    /// <summary>
    /// Whether the worker holds this attempt now; null if it is another incarnation than asked for. For the queue, before it gives
    /// an attempt up whose worker is alive.
    /// </summary>
    [Alias("Holds"), ResponseTimeout("00:00:05")]
    Task<bool?> Holds(JobId job, int attempt, long incarnation);

    /// <summary>A hint that this attempt is to be cancelled. Lost hints are made good by the next heartbeat.</summary>
    [Alias("Cancel"), ResponseTimeout("00:00:05")]
    Task Cancel(JobId job, int attempt);

    /// <summary>
    /// Takes no new job any more. Once this has answered no job becomes this worker's: what it had accepted before is claimed by then, or
    /// will be handed back without running where the claim had no answer within two seconds. What runs goes on to its end, or is handed
    /// back after <paramref name="atMost"/>, which uses up no attempt. A repeat keeps the worker drained and replaces deadline and note.
    /// Holds until <see cref="Resume"/> or until the silo is started again. For admins.
    /// </summary>
    /// <param name="atMost">0 hands back at once; null: no deadline. A span and no time of day, since the clocks of silos differ.</param>
    /// <param name="note">Why, for people.</param>
    [Alias("Drain"), AlwaysInterleave, ResponseTimeout("00:00:10")]
    Task<WorkerReport> Drain(TimeSpan? atMost, string? note);

    /// <summary>
    /// Takes jobs again; what a drain had handed back stays handed back. Of a worker that is not drained: no effect. Refused where the silo
    /// is about to stop. For admins.
    /// </summary>
    [Alias("Resume"), AlwaysInterleave, ResponseTimeout("00:00:05")]
    Task<WorkerChange> Resume();

    /// <summary>How the worker stands now, in its own words. For admins.</summary>
    [Alias("Status"), AlwaysInterleave, ResponseTimeout("00:00:02")]
    Task<WorkerReport> Status();
}

[GenerateSerializer, Alias("RunAnswer")]
public enum RunAnswer
{
    Accepted = 0,
    /// <summary>No slot free.</summary>
    Full = 1,
    Draining = 2,
}

/// <param name="Sequence">
/// The last heartbeat that the worker had sent when it answered: only a later one can tell that the job is gone.
/// </param>
[GenerateSerializer, Immutable, Alias("RunResult")]
public sealed record RunResult([property: Id(0)] RunAnswer Answer, [property: Id(1)] long Incarnation, [property: Id(2)] long Sequence);
