using Builds.Cluster;
using Builds.Commands;
using Builds.Storage;

namespace Builds.Tests;

/// <summary><c>builds secret</c>, with the server running or not.</summary>
public sealed class SecretCommandTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Through_the_server_that_runs()
    {
        await using var server = await BuildsServer.Start();
        await server.CreateToken("mia", scopes: "*");
        string[] where = ["--url", server.Address.ToString(), "--token", server.AdminToken];
        var file = await Value();

        var uuid = (await Run("add", [file, "--type", "plaintext_file", "--path", "~/.netrc", "--name", "netrc"], where)).Output.Trim();
        (await Run("add", [file, "--type", "ssh_key"], where)).ShouldSatisfyAllConditions(end => end.Status.ShouldBe(2), end => end.Errors.ShouldContain("value: value is no private SSH key"));
        (await Run("list", [], where)).Output.ShouldBe($"{uuid}  plaintext_file  netrc  ~/.netrc (600)\n");
        (await Run("share", ["netrc", "~mia"], where)).ShouldBe((0, "", ""));
        (await Run("share", ["netrc", "nobody"], where)).ShouldSatisfyAllConditions(end => end.Status.ShouldBe(2), end => end.Errors.ShouldContain("user: No such user"));
        (await Run("rotate-keys", [], where)).Output.ShouldBe("Sealed 2 secrets with a new key\n");
        (await Run("remove", [uuid.ToUpperInvariant()], where)).ShouldBe((0, "", ""));
        (await Run("remove", ["netrc"], where)).ShouldBe((3, "", "builds: there is no secret 'netrc': see 'builds secret list'\n"));
    }

    [Fact]
    public async Task In_the_data_directory_of_a_server_that_does_not()
    {
        var data = DataDirectory.Create(Path.Combine(folder.Path, "data"));
        StorageSchema.Upgrade(data.Database);
        string[] where = ["--data", data.Path];
        var uuid = (await Run("add", [await Value(), "--type", "plaintext_file", "--path", "~/.netrc"], where)).Output.Trim();
        (await Run("rotate-keys", [], where)).Output.ShouldBe("Sealed 1 secrets with a new key\n");
        (await Run("share", [uuid, "nobody"], where)).ShouldBe((2, "", "builds: user: No such user\n"));
        (await Run("remove", [uuid], where)).ShouldBe((0, "", ""));
        Directory.GetFiles(Path.Combine(data.Path, "keys")).Length.ShouldBe(2);
    }

    private async Task<string> Value()
    {
        var file = Path.Combine(folder.Path, "value");
        await File.WriteAllTextAsync(file, "hunter2\r\n");
        return file;
    }

    private static async Task<(int Status, string Output, string Errors)> Run(string command, string[] arguments, string[] where)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var status = await BuildsCommand.Run(["secret", command, .. arguments, .. where], output, errors);
        return (status, output.ToString(), errors.ToString());
    }
}
