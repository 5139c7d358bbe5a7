using System.Security.Cryptography.X509Certificates;

namespace Builds.Cluster;

/// <summary>The identity of this silo as the files say it now: asked once per connection, which is rarely. Thread safe.</summary>
internal sealed partial class SiloTlsCertificates
{
    private readonly Lock gate = new();
    private readonly SiloTlsOptions options;
    private readonly TimeProvider clock;
    private SiloTlsFiles files;
    private SiloTlsFiles? refused;
    private SiloTlsIdentity identity;

    /// <summary>Throws <see cref="ClusterException"/> if the files are no identity.</summary>
    public SiloTlsCertificates(SiloTlsOptions options, TimeProvider clock)
    {
        (this.options, this.clock) = (options, clock);
        files = SiloTlsFiles.Read(options);
        identity = SiloTlsIdentity.Of(files, options, clock.GetUtcNow());
    }

    /// <summary>
    /// Files that changed count from now on, as a whole: while only some of them are replaced, or they are wrong, the last good ones
    /// stay, which is said once.
    /// </summary>
    public SiloTlsIdentity Current(ILogger logger)
    {
        lock (gate)
        {
            SiloTlsFiles? read = null;
            try
            {
                read = SiloTlsFiles.Read(options);
                if (read == files || read == refused)
                    return identity;
                identity = SiloTlsIdentity.Of(read, options, clock.GetUtcNow());
                (files, refused) = (read, null);
                LogReplaced(logger, identity.Certificate.Subject, identity.Certificate.NotAfter.ToUniversalTime());
            }
            catch (ClusterException error)
            {
                refused = read;
                LogNotReplaced(logger, error.Message);
            }

            return identity;
        }
    }

    /// <summary>Whether to talk to whoever shows this certificate.</summary>
    public bool Believe(X509Certificate2 other, ILogger logger)
    {
        var why = Current(logger).WhyNot(other, clock.GetUtcNow());
        if (why is not null)
            LogRefused(logger, other.Subject, other.Thumbprint, why);
        return why is null;
    }

    [LoggerMessage(EventId = 1460, Level = LogLevel.Information, Message = "The certificate of this silo was replaced: {Subject}, valid until {Until:u}; connections from now on use it")]
    private static partial void LogReplaced(ILogger logger, string subject, DateTime until);

    [LoggerMessage(EventId = 1461, Level = LogLevel.Warning, Message = "The certificate of this silo cannot be replaced, so the last good one stays: {Why}")]
    private static partial void LogNotReplaced(ILogger logger, string why);

    [LoggerMessage(EventId = 1462, Level = LogLevel.Warning, Message = "Another silo is not believed: its certificate {Subject} (thumbprint {Thumbprint}): {Why}")]
    private static partial void LogRefused(ILogger logger, string subject, string thumbprint, string why);
}
