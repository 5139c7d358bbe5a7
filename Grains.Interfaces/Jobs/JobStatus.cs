namespace Builds.Jobs;

/// <summary>Where a job stands. The numbers are on the wire and in storage: never reuse one.</summary>
[GenerateSerializer, Alias("JobStatus")]
public enum JobStatus
{
    /// <summary>Submitted with <c>execute: false</c>; waits for its owner to start it.</summary>
    Pending = 0,
    /// <summary>Waits for a worker.</summary>
    Queued = 1,
    /// <summary>An attempt is under way on a worker.</summary>
    Running = 2,
    /// <summary>Final: every task ended well, or the job was completed early.</summary>
    Success = 3,
    /// <summary>Final: see <see cref="FailReason"/>.</summary>
    Failed = 4,
}

/// <summary>Why a job failed. The numbers are on the wire and in storage: never reuse one.</summary>
[GenerateSerializer, Alias("FailReason")]
public enum FailReason
{
    /// <summary>A task's script ended with another exit status than 0.</summary>
    Task = 0,
    /// <summary>The environment could not be prepared: image, packages, secrets or sources.</summary>
    Setup = 1,
    /// <summary>The job ran for longer than the job time limit.</summary>
    Timeout = 2,
    /// <summary>The owner cancelled it.</summary>
    Cancelled = 3,
    /// <summary>As many workers as the setting allows were lost under it.</summary>
    WorkerLost = 4,
    /// <summary>An artifact is missing, unreadable or too large.</summary>
    Artifact = 5,
    /// <summary>It used more memory, processes, disk or log than allowed.</summary>
    Limit = 6,
    /// <summary>The machine's own part failed.</summary>
    Internal = 7,
}

/// <summary>Where a task stands. The numbers are on the wire and in storage: never reuse one.</summary>
[GenerateSerializer, Alias("BuildTaskStatus")]
public enum BuildTaskStatus
{
    /// <summary>Not begun. Stays so after an earlier task failed.</summary>
    Pending = 0,
    Running = 1,
    /// <summary>Final: exit status 0.</summary>
    Success = 2,
    /// <summary>Final: another exit status, or ended with the job.</summary>
    Failed = 3,
    /// <summary>Final: left out by <c>complete-build</c>.</summary>
    Skipped = 4,
}

/// <summary>Who may see a job (contract/web section 2). The numbers are on the wire and in storage.</summary>
[GenerateSerializer, Alias("Visibility")]
public enum Visibility
{
    Public = 0,
    /// <summary>Anyone with the address; in nobody's list but the owner's. The default.</summary>
    Unlisted = 1,
    /// <summary>Owner and admins only; to others it does not exist.</summary>
    Private = 2,
}

/// <summary>The words of the closed sets as they stand in REST answers, logs and the catalogue.</summary>
public static class JobWords
{
    public static string Word(this JobStatus status) => status switch
    {
        JobStatus.Pending => "pending",
        JobStatus.Queued => "queued",
        JobStatus.Running => "running",
        JobStatus.Success => "success",
        JobStatus.Failed => "failed",
    };

    public static string Word(this FailReason reason) => reason switch
    {
        FailReason.Task => "task",
        FailReason.Setup => "setup",
        FailReason.Timeout => "timeout",
        FailReason.Cancelled => "cancelled",
        FailReason.WorkerLost => "worker-lost",
        FailReason.Artifact => "artifact",
        FailReason.Limit => "limit",
        FailReason.Internal => "internal",
    };

    public static string Word(this BuildTaskStatus status) => status switch
    {
        BuildTaskStatus.Pending => "pending",
        BuildTaskStatus.Running => "running",
        BuildTaskStatus.Success => "success",
        BuildTaskStatus.Failed => "failed",
        BuildTaskStatus.Skipped => "skipped",
    };

    public static string Word(this JobEventKind kind) => kind switch
    {
        JobEventKind.Submitted => "submitted",
        JobEventKind.Started => "started",
        JobEventKind.Queued => "queued",
        JobEventKind.Claimed => "claimed",
        JobEventKind.CancelRequested => "cancel-requested",
        JobEventKind.Lost => "lost",
        JobEventKind.HandedBack => "handed-back",
        JobEventKind.Requeued => "requeued",
        JobEventKind.Finished => "finished",
        JobEventKind.Folded => "folded",
    };

    public static string Word(this Visibility visibility) => visibility switch
    {
        Visibility.Public => "public",
        Visibility.Unlisted => "unlisted",
        Visibility.Private => "private",
    };

    /// <summary>True for success and failed: nothing changes such a job any more.</summary>
    public static bool IsFinal(this JobStatus status) => status is JobStatus.Success or JobStatus.Failed;
}
