using System.Collections.Immutable;

namespace Builds.Benchmarks.Neighbours;

/// <summary>A build that takes all it can get, for some seconds.</summary>
/// <param name="Name">As the table names it.</param>
/// <param name="Reason">Why it fails; null: it has the right to what it does, and succeeds.</param>
/// <param name="Script">Bash; goes on for <c>$span</c> seconds.</param>
internal sealed record Hog(string Name, string? Reason, string Script)
{
    /// <summary>What one job may write, unless it is set; ten times that is offered.</summary>
    public const long Output = 10L << 30;

    public static readonly ImmutableArray<Hog> All =
    [
        // What a build notices of any other one where processors are scarce: the rest is to be held against it.
        new("one that computes", null, "while ((SECONDS < span)); do :; done"),
        // Every process starts two and then computes for ever; soon there are as many as may be, and all of them want the processors.
        new("fork bomb", "limit", """
            mkfifo never; exec 9<>never
            bomb() { bomb & bomb & read -t 1 -u 9; while :; do :; done; }
            bomb 2>/dev/null &
            read -t $span -u 9 || exit 1
            """),
        new("memory bomb", "limit", "while ((SECONDS < span)); do tail /dev/zero || :; done; exit 1"),
        new("disk filler", "limit", "while cat /dev/zero >fill || ((SECONDS < span)); do :; done 2>/dev/null; exit 1"),
        new("10 GiB of output", "limit", $"yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c {Output}"),
        new("100,000 files", null, "while ((SECONDS < span)); do rm -rf many; mkdir many; for i in {1..100000}; do : >many/$i; done; done"),
        new("killer", "task", """
            while ((SECONDS < span)); do
              for process in -1 /proc/[0-9]*; do
                [[ $process = /proc/$$ ]] || kill -9 ${process#/proc/} || :
              done
            done 2>/dev/null
            exit 1
            """),
    ];

    public string Manifest(string image, TimeSpan span) =>
        Manifests.Of(image, $"set +x\nspan={Math.Ceiling(span.TotalSeconds):0}\nSECONDS=0\n{Script}\n");
}
