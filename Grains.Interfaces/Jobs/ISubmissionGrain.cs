using System.Security.Cryptography;
using System.Text;

namespace Builds.Jobs;

/// <summary>
/// One Idempotency-Key of one user: ties it to a job id before the job is created, so that a repeated request finds the same job, also after
/// a crash in between. Remembers for 24 hours.
/// </summary>
[Alias("ISubmissionGrain")]
public interface ISubmissionGrain : IGrainWithStringKey
{
    /// <summary>
    /// The id that belongs to the key, reserved durably before the answer. <paramref name="fingerprint"/> stands for the content of the
    /// request: the same again gets the same id, another one is refused.
    /// </summary>
    [Alias("Reserve")]
    Task<SubmissionResult> Reserve(string fingerprint);
}

[GenerateSerializer, Immutable, Alias("SubmissionResult")]
public abstract record SubmissionResult
{
    private SubmissionResult() { }

    /// <param name="Job">To be created, or created already: creating it again is safe.</param>
    [GenerateSerializer, Immutable, Alias("SubmissionResult.Reserved")]
    public sealed record Reserved([property: Id(0)] JobId Job) : SubmissionResult;

    /// <summary>The key was used for another request.</summary>
    [GenerateSerializer, Immutable, Alias("SubmissionResult.OtherContent")]
    public sealed record OtherContent([property: Id(0)] JobId Job) : SubmissionResult;
}

/// <summary>Keys of <see cref="ISubmissionGrain"/>.</summary>
public static class SubmissionKey
{
    /// <param name="user">Without the tilde.</param>
    /// <param name="key">As the header has it.</param>
    public static string For(string user, string key) => "idem-" + Fingerprint(user, key);

    /// <summary>A hash that differs when any part differs.</summary>
    public static string Fingerprint(params IEnumerable<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
            text.Append(part.Length).Append(':').Append(part);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
