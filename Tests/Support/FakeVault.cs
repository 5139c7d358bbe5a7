using System.Text;
using Builds.Secrets;

namespace Builds.Tests;

/// <summary>Seals so that a test sees with which key, for whom, and that the value itself is nowhere.</summary>
public sealed class FakeVault : ISecretVault
{
    private int key = 1;

    public Task<string> Seal(SecretKey secret, string value) => Task.FromResult($"{key}:{secret.GrainKey}:{Convert.ToBase64String(Encoding.UTF8.GetBytes(value))}");

    public Task<string> Open(SecretKey secret, string @sealed) => @sealed.Split(':') is [_, var owner, var value] && owner == secret.GrainKey
        ? Task.FromResult(Encoding.UTF8.GetString(Convert.FromBase64String(value)))
        : throw new SecretSealedException(secret, new InvalidOperationException("sealed for another one"));

    public Task NewKey()
    {
        key++;
        return Task.CompletedTask;
    }
}
