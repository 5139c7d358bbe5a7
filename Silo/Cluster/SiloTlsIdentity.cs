using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Builds.Cluster;

/// <summary>What a silo shows to others, and whom it believes.</summary>
/// <param name="Certificate">With its private key.</param>
/// <param name="Authorities">Who signs for silos.</param>
internal sealed record SiloTlsIdentity(X509Certificate2 Certificate, X509Certificate2Collection Authorities)
{
    /// <summary>Each silo calls and is called (RFC 5280, section 4.2.1.12). A certificate that names no usage may be used for all.</summary>
    private static readonly string[] Usages = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];

    /// <summary>Throws <see cref="ClusterException"/> naming the file and the rule if these files are no identity now.</summary>
    public static SiloTlsIdentity Of(SiloTlsFiles files, SiloTlsOptions options, DateTimeOffset now)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(files.Ca);
        }
        catch (CryptographicException error)
        {
            throw Wrong(nameof(options.Ca), options.Ca, $"holds a certificate that cannot be read: {error.Message.TrimEnd('.')}", error);
        }

        if (authorities.Count == 0)
            throw Wrong(nameof(options.Ca), options.Ca, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
        var certificate = Pair(files, options);
        if (now.UtcDateTime < certificate.NotBefore.ToUniversalTime())
            throw Wrong(nameof(options.Certificate), options.Certificate, $"is valid from {certificate.NotBefore.ToUniversalTime():u} only; now it is {now:u}");
        if (now.UtcDateTime > certificate.NotAfter.ToUniversalTime())
            throw Wrong(nameof(options.Certificate), options.Certificate, $"expired at {certificate.NotAfter.ToUniversalTime():u}; put a new one in its place");
        var identity = new SiloTlsIdentity(certificate, authorities);
        if (identity.WhyNot(certificate, now) is { } why)
            throw Wrong(nameof(options.Certificate), options.Certificate, $"({certificate.Subject}) is not one that other silos believe, going by the authority in {options.Ca}: {why}");
        return identity;
    }

    /// <summary>Null if a certificate is one of this cluster's silos at this time, else why not.</summary>
    public string? WhyNot(X509Certificate2 other, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        // Withdrawn certificates have lists of their own, on the network; here a new authority, and new certificates, withdraw the old ones.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        foreach (var usage in Usages)
            chain.ChainPolicy.ApplicationPolicy.Add(new Oid(usage));
        return chain.Build(other) ? null : string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim().TrimEnd('.')).Distinct(StringComparer.Ordinal));
    }

    private static X509Certificate2 Pair(SiloTlsFiles files, SiloTlsOptions options)
    {
        try
        {
            X509Certificate2.CreateFromPem(files.Certificate).Dispose();
        }
        catch (CryptographicException error)
        {
            throw Wrong(nameof(options.Certificate), options.Certificate, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", error);
        }

        if (!files.Key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            throw Wrong(nameof(options.Key), options.Key, "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)");
        if (files.Key.Contains("ENCRYPTED", StringComparison.Ordinal))
            throw Wrong(nameof(options.Key), options.Key, "is encrypted, and nobody is there to be asked for its password; take the password off");
        try
        {
            return X509Certificate2.CreateFromPem(files.Certificate, files.Key);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw Wrong(nameof(options.Key), options.Key, $"is not the key of the certificate in {options.Certificate}", error);
        }
    }

    private static ClusterException Wrong(string setting, string? file, string rule, Exception? inner = null) =>
        new($"{SiloTlsOptions.Section}:{setting}: {file} {rule}.", inner);
}

/// <summary>What the three files hold. Compared as a whole: links that are switched over and kept times of change deceive nobody then.</summary>
internal sealed record SiloTlsFiles(string Certificate, string Key, string Ca)
{
    /// <summary>Throws <see cref="ClusterException"/> if one is missing or cannot be read.</summary>
    public static SiloTlsFiles Read(SiloTlsOptions options) => new(
        Text(nameof(options.Certificate), options.Certificate), Text(nameof(options.Key), options.Key), Text(nameof(options.Ca), options.Ca));

    /// <summary>Without the key.</summary>
    public override string ToString() => nameof(SiloTlsFiles);

    private static string Text(string setting, string? path)
    {
        var name = $"{SiloTlsOptions.Section}:{setting}";
        try
        {
            return File.ReadAllText(path ?? throw new ClusterException($"{name} is not given."), Encoding.ASCII);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ClusterException($"{name}: there is no file {path}.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"{name}: {path} cannot be read: {error.Message.TrimEnd('.')}. The user of the silo must be able to.", error);
        }
    }
}
