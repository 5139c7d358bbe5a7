using System.Text;

namespace Builds.Secrets;

/// <summary>A secret as a build gets it, opened. It lives as long as its build, in the memory of the worker only.</summary>
/// <param name="Reference">As the manifest names it.</param>
/// <param name="Info">What it is.</param>
/// <param name="Value">In the clear: for the sandbox, and for whoever hides it in logs.</param>
public sealed record BuildSecret(string Reference, SecretInfo Info, string Value)
{
    /// <summary>The value as a build may print it.</summary>
    public ReadOnlyMemory<byte> Bytes => Encoding.UTF8.GetBytes(Value);

    // A record prints its parts; this one must not.
    public override string ToString() => $"{Info.Type.Word()} {Info.Uuid}";
}
