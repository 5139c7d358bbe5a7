using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using Builds.Cluster;
using Microsoft.Extensions.Logging.Abstractions;

namespace Builds.Tests.Tls;

/// <summary>What the files of a silo's identity must hold, and what is said when they do not.</summary>
public sealed class SiloTlsFilesTests : IDisposable
{
    private const string Server = "1.3.6.1.5.5.7.3.1", Client = "1.3.6.1.5.5.7.3.2";

    private readonly TempFolder folder = new();
    private readonly TestAuthority authority = new("Silos");
    private readonly TestAuthority foreign = new("Others");
    private readonly SiloTlsOptions options;

    public SiloTlsFilesTests() => options = authority.Equip(folder.Path, "a");

    public void Dispose()
    {
        authority.Dispose();
        foreign.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Good_files_are_an_identity_that_another_silo_of_the_same_authority_believes()
    {
        var certificates = Open();
        using var other = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(authority.Sign("b", usages: [Server, Client]).Certificate);

        certificates.Current(NullLogger.Instance).Certificate.Subject.ShouldBe("CN=a");
        certificates.Believe(other, NullLogger.Instance).ShouldBeTrue();
    }

    [Fact]
    public void Certificates_of_another_authority_out_of_time_or_for_another_use_are_not_believed()
    {
        var certificates = Open();
        var now = TimeProvider.System.GetUtcNow();
        (string Certificate, string Key)[] wrong =
        [
            foreign.Sign("b"),
            authority.Sign("b", until: now.AddDays(-1)),
            authority.Sign("b", from: now.AddDays(1)),
            authority.Sign("b", usages: [Server]),
            authority.Sign("b", usages: [Client]),
        ];

        wrong.ShouldAllBe(one => !Believes(certificates, one.Certificate));
    }

    [Fact]
    public void A_file_that_is_missing_is_named_with_its_setting()
    {
        File.Delete(options.Key!);

        Error().ShouldBe($"Builds:Cluster:Tls:Key: there is no file {options.Key}.");
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_named()
    {
        File.Delete(options.Ca!);
        Directory.CreateDirectory(options.Ca!);

        Error().ShouldStartWith($"Builds:Cluster:Tls:Ca: {options.Ca} cannot be read: ");
    }

    [Fact]
    public void Files_without_what_they_should_hold_are_named_with_the_form_it_should_have()
    {
        File.WriteAllText(options.Certificate!, "nothing");
        Error().ShouldBe($"Builds:Cluster:Tls:Certificate: {options.Certificate} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).");
        authority.Equip(folder.Path, "a");
        File.WriteAllText(options.Key!, "nothing");
        Error().ShouldBe($"Builds:Cluster:Tls:Key: {options.Key} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----).");
        authority.Equip(folder.Path, "a");
        File.WriteAllText(options.Ca!, "nothing");
        Error().ShouldBe($"Builds:Cluster:Tls:Ca: {options.Ca} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).");
    }

    [Fact]
    public void The_key_of_another_certificate_and_one_with_a_password_are_refused()
    {
        File.WriteAllText(options.Key!, authority.Sign("b").Key);
        Error().ShouldBe($"Builds:Cluster:Tls:Key: {options.Key} is not the key of the certificate in {options.Certificate}.");

        using var key = ECDsa.Create();
        File.WriteAllText(options.Key!, key.ExportEncryptedPkcs8PrivateKeyPem("password", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1)));
        Error().ShouldStartWith($"Builds:Cluster:Tls:Key: {options.Key} is encrypted");
    }

    [Fact]
    public void A_certificate_out_of_time_or_of_another_authority_is_refused_with_the_reason()
    {
        var now = TimeProvider.System.GetUtcNow();
        Put(authority.Sign("a", until: now.AddDays(-1)));
        Error().ShouldContain($"Certificate: {options.Certificate} expired at ");
        Put(authority.Sign("a", from: now.AddDays(1)));
        Error().ShouldContain($"Certificate: {options.Certificate} is valid from ");
        Put(foreign.Sign("a"));
        Error().ShouldContain($"Certificate: {options.Certificate} (CN=a) is not one that other silos believe, going by the authority in {options.Ca}: ");
        Put(authority.Sign("a", usages: [Server]));
        Error().ShouldContain($"Certificate: {options.Certificate} (CN=a) is not one that other silos believe");
    }

    [Fact]
    public void New_files_count_from_the_next_connection_on_and_wrong_ones_never_do()
    {
        var certificates = Open();
        var first = certificates.Current(NullLogger.Instance);
        // Half of the change, in the middle of which a connection is made.
        var (certificate, key) = authority.Sign("renewed");
        File.WriteAllText(options.Certificate!, certificate);
        certificates.Current(NullLogger.Instance).ShouldBe(first);

        File.WriteAllText(options.Key!, key);

        certificates.Current(NullLogger.Instance).Certificate.Subject.ShouldBe("CN=renewed");
        File.Delete(options.Ca!);
        certificates.Current(NullLogger.Instance).Certificate.Subject.ShouldBe("CN=renewed");
        Believes(certificates, authority.Sign("b").Certificate).ShouldBeTrue();
    }

    [Fact]
    public void Settings_name_all_three_files_or_none()
    {
        Validate(new SiloTlsOptions()).ShouldBeEmpty();
        Validate(options).ShouldBeEmpty();
        Validate(new SiloTlsOptions { Key = "k" }).ShouldHaveSingleItem().ErrorMessage
            .ShouldBe("Builds:Cluster:Tls:Certificate and Builds:Cluster:Tls:Ca must be given too: TLS between silos needs Certificate, Key and Ca, or none of them");
        new SiloTlsOptions().IsOn.ShouldBeFalse();
        options.IsOn.ShouldBeTrue();
    }

    private static IEnumerable<ValidationResult> Validate(SiloTlsOptions given) => given.Validate(new ValidationContext(given));

    private static bool Believes(SiloTlsCertificates certificates, string pem)
    {
        using var other = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(pem);
        return certificates.Believe(other, NullLogger.Instance);
    }

    private void Put((string Certificate, string Key) pair)
    {
        File.WriteAllText(options.Certificate!, pair.Certificate);
        File.WriteAllText(options.Key!, pair.Key);
    }

    private SiloTlsCertificates Open() => new(options, TimeProvider.System);

    private string Error() => Should.Throw<ClusterException>(() => Open()).Message;
}
