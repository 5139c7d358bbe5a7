namespace Builds.Tests.Silos;

/// <summary>A small job whose log is known in advance.</summary>
/// <param name="Script">Of its first task, <c>a</c>.</param>
/// <param name="Output">What the script writes, with ATTEMPT and JOB for what the job is told; null: not known.</param>
/// <param name="IsSingle">True: that is its only task.</param>
internal sealed record Recipe(string Name, string Script, string? Output, bool Fails = false, bool HasArtifact = false, bool IsSingle = false)
{
    public const string ArtifactText = "kept by job JOB in attempt ATTEMPT\n";

    /// <summary>The mark that every process of a build has in its environment.</summary>
    public const string Mark = "RECOVERY";

    private static readonly string[] Lines = [.. Enumerable.Range(1, 15).Select(line => $"line {line} of job JOB, attempt ATTEMPT\n")];

    public static readonly IReadOnlyList<Recipe> All =
    [
        new("quick", "echo quick", "quick\n"),
        new("talks", "for line in $(seq 1 15); do echo \"line $line of job $JOB_ID, attempt $JOB_ATTEMPT\"; sleep 0.05; done", string.Concat(Lines)),
        new("fails", "echo now; false", "now\n", Fails: true),
        new("keeps", "echo \"kept by job $JOB_ID in attempt $JOB_ATTEMPT\" > kept.txt", "", HasArtifact: true),
        new("floods", "seq 1 60000", string.Concat(Enumerable.Range(1, 60000).Select(number => $"{number}\n"))),
        // Leaves behind what it can: sessions of their own, double forks, ignored signals.
        new("clings", "trap '' TERM; setsid sleep 1000 >/dev/null 2>&1 & ( ( sleep 1000 & ) & ) >/dev/null 2>&1; sleep 1.2; echo clung", "clung\n"),
    ];

    /// <summary>Runs until it is cancelled.</summary>
    public static readonly Recipe Holds = new("holds", "sleep 1000", Output: null);

    /// <summary>As little as a build can be.</summary>
    public static readonly Recipe Short = new("short", "echo short", "short\n", IsSingle: true);

    /// <summary>As it is submitted; <c>b</c> follows <c>a</c>, unless it is single.</summary>
    /// <param name="run">The value of <see cref="Mark"/>.</param>
    /// <param name="before">A line that each task runs first.</param>
    public string Manifest(string run, string before = ":") => $"""
        image: host
        environment:
          {Mark}: "{run}"
        {(HasArtifact ? "artifacts:\n- kept.txt\n" : "")}tasks:
        - a: |
            set +x
            {before}
            {Script}
        {(IsSingle ? "" : $"""
        - b: |
            set +x
            {before}
            echo "b of attempt $JOB_ATTEMPT"
        """)}
        """;
}
