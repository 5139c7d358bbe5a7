using Builds.Jobs;

namespace Builds.Tests;

/// <summary>Things that are valid; a test spells out only what it is about.</summary>
internal static class Some
{
    public static readonly DateTimeOffset Time = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    public const string Manifest = "image: host\ntasks:\n- a: 'true'\n- b: 'true'\n";

    public static JobSubmission Submission(string owner = "mia", string manifest = Manifest) => new() { Owner = owner, Manifest = manifest };
}
