using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Builds.Cluster;

namespace Builds.Tests;

/// <summary>Signs certificates for the silos of a test.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset Epoch = TimeProvider.System.GetUtcNow().AddDays(-10);
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 certificate;
    private byte serial;

    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        certificate = request.CreateSelfSigned(Epoch, Epoch.AddYears(10));
    }

    public string Pem => certificate.ExportCertificatePem();

    /// <summary>A certificate and its key, as PEM.</summary>
    /// <param name="usages">Numbers of extended key usages; none: it may be used for everything.</param>
    public (string Certificate, string Key) Sign(string name, DateTimeOffset? from = null, DateTimeOffset? until = null, params string[] usages)
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", own, HashAlgorithmName.SHA256);
        if (usages.Length > 0)
        {
            var oids = new OidCollection();
            foreach (var usage in usages)
                oids.Add(new Oid(usage));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, critical: false));
        }

        using var signed = request.Create(certificate, from ?? Epoch, until ?? Epoch.AddYears(1), [1, ++serial]);
        return (signed.ExportCertificatePem(), own.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Puts a new certificate of <paramref name="name"/> and the authorities that it is to believe into a folder.</summary>
    public SiloTlsOptions Equip(string folder, string name, params TestAuthority[] believed)
    {
        Directory.CreateDirectory(folder);
        var (cert, privateKey) = Sign(name);
        var options = new SiloTlsOptions { Certificate = Path.Combine(folder, "silo.crt"), Key = Path.Combine(folder, "silo.key"), Ca = Path.Combine(folder, "ca.crt") };
        File.WriteAllText(options.Certificate, cert);
        File.WriteAllText(options.Key, privateKey);
        File.WriteAllText(options.Ca, string.Concat(believed.DefaultIfEmpty(this).Select(authority => authority.Pem + "\n")));
        return options;
    }

    public void Dispose()
    {
        certificate.Dispose();
        key.Dispose();
    }
}
