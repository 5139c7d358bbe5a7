using Builds.Secrets;

namespace Builds.Tests.Secrets;

public sealed class SecretRulesTests
{
    private const string SshKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    private const string PgpKey = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----";

    [Fact]
    public void Keys_and_files_get_the_line_ends_of_the_contract()
    {
        Good("ssh_key", SshKey.Replace("\n", "\r\n", StringComparison.Ordinal).TrimEnd()).Value.ShouldBe(SshKey);
        Good("pgp_key", PgpKey.Replace("\n", "\r\n", StringComparison.Ordinal)).Value.ShouldBe(PgpKey);
        Good("plaintext_file", "a\r\nb", "~/.netrc", "0640").ShouldBe(new NewSecret(SecretType.PlaintextFile, null, "a\nb\n", "~/.netrc", 0b110_100_000));
    }

    [Theory]
    [InlineData(null, null, "x", null, null, "type: type is required")]
    [InlineData("ssh", null, "x", null, null, "type: type must be ssh_key, pgp_key or plaintext_file, not 'ssh'")]
    [InlineData("ssh_key", "abc", SshKey, null, null, "name: name must have more than 3 and less than 512 bytes")]
    [InlineData("ssh_key", "../up", SshKey, null, null, "name: name must not have a slash or a control character in it")]
    [InlineData("ssh_key", "0d3d43a7b9b34d42ae511d0f1d0f1d0f", SshKey, null, null, "name: name must not look like a UUID, by which another secret could be meant")]
    [InlineData("ssh_key", null, SshKey, "~/x", "600", "path: path is for plaintext_file only|mode: mode is for plaintext_file only")]
    [InlineData("plaintext_file", null, "x", null, null, "path: path is required for plaintext_file: where the file goes, for example ~/.netrc|mode: mode is required for plaintext_file, in octal, for example 600")]
    [InlineData("plaintext_file", null, "x", "~mia/x", "8", "path: path may begin with ~/, the home of the build, but with nobody else's home|mode: mode must be permissions in octal, 000 to 777, for example 600")]
    [InlineData("plaintext_file", null, "x", "/etc/", "4755", "path: path must end in the name of a file|mode: mode must be permissions in octal, 000 to 777, for example 600")]
    [InlineData("plaintext_file", null, "", "x", "600", "value: value is required")]
    [InlineData("plaintext_file", null, "a\0b", "x", "600", "value: value must not have a NUL in it")]
    public void What_is_wrong_is_named_and_the_value_is_not(string? type, string? name, string? value, string? path, string? mode, string expected)
    {
        var (secret, mistakes) = SecretRules.Read(type, name, value, path, mode);

        secret.ShouldBeNull();
        string.Join('|', mistakes.Select(mistake => $"{mistake.Field}: {mistake.Reason}")).ShouldBe(expected);
    }

    [Theory]
    [InlineData("ssh_key", "hunter2")]
    [InlineData("ssh_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")]
    [InlineData("ssh_key", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n")]
    [InlineData("ssh_key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")]
    [InlineData("ssh_key", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [InlineData("ssh_key", PgpKey)]
    [InlineData("pgp_key", SshKey)]
    [InlineData("pgp_key", PgpKey + "\nand more")]
    public void A_key_must_look_like_one(string type, string value) =>
        SecretRules.Read(type, null, value, null, null).Mistakes.ShouldHaveSingleItem().Field.ShouldBe("value");

    [Fact]
    public void The_limit_is_of_the_value_as_builds_get_it()
    {
        Good("plaintext_file", string.Concat(Enumerable.Repeat("é\r\n", 5461)), "x", "600").Value.Length.ShouldBe(2 * 5461);
        Good("plaintext_file", new string('a', 16383), "x", "600").Value.Length.ShouldBe(16384);
        SecretRules.Read("plaintext_file", null, new string('a', 16384), "x", "600").Mistakes.ShouldHaveSingleItem().ShouldBe(("value", "value must have at most 16384 bytes"));
    }

    [Theory]
    [InlineData("0D3D43A7-B9B3-4D42-AE51-1D0F1D0F1D0F")]
    [InlineData("0d3d43a7b9b34d42ae511d0f1d0f1d0f")]
    [InlineData("{0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f}")]
    [InlineData("urn:uuid:0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f")]
    public void Every_written_form_of_a_UUID_is_one(string text) => SecretText.Uuid(text).ShouldBe("0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f");

    [Fact]
    public void Nothing_that_carries_a_value_prints_it()
    {
        var info = new SecretInfo(1, "mia", "0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f", SecretType.PlaintextFile, "netrc", "x", 384, null, Some.Time);
        object[] carriers =
        [
            Good("plaintext_file", "hunter2", "x", "600"), new SecretGrant(1, SecretType.SshKey, null, null, 0, null, "hunter2"), new KeptSecret(info, "hunter2"),
            new BuildSecret("netrc", info, "hunter2"), new SecretState { Sealed = "hunter2" },
            ExecutorPlan(new BuildSecret("netrc", info, "hunter2")),
        ];

        carriers.Select(carrier => carrier.ToString()).ShouldAllBe(text => !text!.Contains("hunter2"));
    }

    private static Execution.BuildPlan ExecutorPlan(BuildSecret secret) =>
        Execution.ExecutorHarness.Plan(Execution.ExecutorHarness.Manifest("true")) with { Opened = [secret] };

    private static NewSecret Good(string type, string value, string? path = null, string? mode = null)
    {
        var (secret, mistakes) = SecretRules.Read(type, null, value, path, mode);
        mistakes.ShouldBeEmpty();
        return secret.ShouldNotBeNull();
    }
}
