using System.Data.Common;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace Builds.Secrets;

/// <summary>
/// Data protection of ASP.NET with keys of its own, apart from whatever else in this process uses it. A ring of keys is read when it is
/// needed: anew for each value that is sealed, so that what <see cref="NewKey"/> made on any silo counts at once, and again where a value
/// has a key that the ring does not know, which another silo may have made a moment ago. All of it off the callers' threads, for reading keys blocks.
/// </summary>
/// <param name="keys">The same for all silos of a cluster.</param>
internal sealed class SecretVault(IXmlRepository keys) : ISecretVault
{
    private const string Application = "builds", Purpose = "secrets";

    /// <summary>When to make the next key, which an operator may do sooner. What an older one sealed still opens.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(90);

    private IServiceProvider? ring;

    public Task<string> Seal(SecretKey secret, string value) => Task.Run(() =>
    {
        try
        {
            return Protector(ReadRing(), secret).Protect(value);
        }
        catch (CryptographicException error)
        {
            TellOfStore(error);
            throw;
        }
    });

    public Task<string> Open(SecretKey secret, string @sealed) => Task.Run(() =>
    {
        try
        {
            return Volatile.Read(ref ring) is { } known ? Protector(known, secret).Unprotect(@sealed) : OpenAnew(secret, @sealed);
        }
        catch (CryptographicException)
        {
            return OpenAnew(secret, @sealed);
        }
    });

    public Task NewKey() => Task.Run(() =>
    {
        // The machine's own clock, as the library has it.
        var now = TimeProvider.System.GetUtcNow();
        ReadRing().GetRequiredService<IKeyManager>().CreateNewKey(now, now + Lifetime);
    });

    private string OpenAnew(SecretKey secret, string @sealed)
    {
        try
        {
            return Protector(ReadRing(), secret).Unprotect(@sealed);
        }
        catch (CryptographicException error)
        {
            TellOfStore(error);
            throw new SecretSealedException(secret, error);
        }
    }

    /// <summary>Whatever goes wrong is one of cryptography to the library; but keys that cannot be read or stored now are to be asked for again.</summary>
    private static void TellOfStore(CryptographicException error)
    {
        for (var cause = error.InnerException; cause is not null; cause = cause.InnerException)
        {
            if (cause is DbException or IOException or TimeoutException)
                ExceptionDispatchInfo.Throw(cause);
        }
    }

    private static IDataProtector Protector(IServiceProvider ring, SecretKey secret) =>
        ring.GetRequiredService<IDataProtectionProvider>().CreateProtector(Purpose, secret.Owner, secret.Uuid);

    private ServiceProvider ReadRing()
    {
        var services = new ServiceCollection();
        services.AddDataProtection().SetApplicationName(Application).SetDefaultKeyLifetime(Lifetime);
        services.Configure<KeyManagementOptions>(options => options.XmlRepository = keys);
        // Nothing in there needs to be disposed, and others may be using the one before.
        var read = services.BuildServiceProvider();
        Volatile.Write(ref ring, read);
        return read;
    }
}
