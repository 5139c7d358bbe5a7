namespace Builds.Tests;

/// <summary>A server that cannot start says in one message what is wrong and where, however deep inside it was found.</summary>
public sealed class RefusedStartTests : IDisposable
{
    private readonly TempFolder folder = new();

    private string Data => Path.Combine(folder.Path, "data");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("Builds__Jobs__Timeout", "00:00:00", "The field Timeout must be between 00:00:01 and 7.00:00:00")]
    [InlineData("Builds__Worker__Slots", "many", "'many' at 'Builds:Worker:Slots'")]
    [InlineData("Builds__Execution__Driver", "Docker", "'Docker' at 'Builds:Execution:Driver'")]
    [InlineData("Builds__Images__Own__acme__Plain", "true", "Builds:Images:Own:acme: it has neither Oci nor RootFs, and 'acme' is none of the usual names")]
    [InlineData("Builds__Images__Own__acme__Netwrk", "none", "Builds:Images:Own:acme:Netwrk is no setting of an image; there are Name, Oci, RootFs, ")]
    [InlineData("Builds__Images__Own__acme__Driver", "docker", "'docker' at 'Builds:Images:Own:acme:Driver'")]
    [InlineData("Logging__LogLevel__Default", "loud", "'loud' is not supported. Below Logging:LogLevel each is one of Trace, Debug, ")]
    public async Task A_setting_that_is_wrong_is_named(string setting, string value, string reason) =>
        Refused(await Serve("http://127.0.0.1:0", (setting, value)), 2, "builds: setting refused: ", reason);

    [Theory]
    [InlineData("")]
    [InlineData(";")]
    [InlineData("nowhere")]
    [InlineData("http://127.0.0.1:65536")]
    public async Task An_address_that_is_none_is_named(string urls) =>
        Refused(await Serve(urls), 2, "--urls: ", $"'{urls}' is no address to listen on");

    [Fact]
    public async Task An_address_of_another_machine_is_refused() =>
        Refused(await Serve("http://192.0.2.1:0"), 3, "builds: ", "this machine has none of that name. Choose another one with --urls.");

    [Fact]
    public async Task A_directory_without_a_name_is_refused() =>
        Refused(await BuildsProgram.Run(folder.Path, "serve", "--data", ""), 3, "builds: the data directory has no name. ", "--data ./data");

    [Theory]
    [InlineData("worker.json", "", "is damaged: ")]
    [InlineData("worker.json", "null", "is damaged: ")]
    [InlineData("worker.json", "{}", "is damaged: ")]
    [InlineData("worker.json", """{"Name":"here","Incarnation":0}""", "is damaged: ")]
    [InlineData("admin-token", "", "holds no token. Delete it")]
    [InlineData("admin-token", "two words", "holds no token. Delete it")]
    public async Task A_damaged_file_is_named(string name, string text, string reason)
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, name), text);

        Refused(await Serve("http://127.0.0.1:0"), 3, "builds: ", Path.Combine(Data, name) + " " + reason);
    }

    [Fact]
    public async Task A_file_in_the_place_of_a_directory_is_named()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "slots"), "");

        Refused(await Serve("http://127.0.0.1:0"), 3, "builds: ", Path.Combine(Data, "slots"));
    }

    [Fact]
    public async Task A_database_that_is_damaged_within_is_told_as_such()
    {
        var (server, _) = await BuildsProgram.ServeAlone(Data);
        await using (server)
        {
            await server.LineWith("curl ");
            server.Signal(15);
            await server.End();
        }

        var database = Path.Combine(Data, "builds.db");
        var pages = await File.ReadAllBytesAsync(database);
        pages.AsSpan(2 * 4096).Fill(0xEE);
        await File.WriteAllBytesAsync(database, pages);

        Refused(await Serve("http://127.0.0.1:0"), 3, "builds: the database ", "malformed'. If it is damaged, restore a backup.");
    }

    private Task<ProgramEnd> Serve(string urls, params (string, string)[] variables) =>
        BuildsProgram.Run(folder.Path, input: null, ["serve", "--data", Data, "--urls", urls], variables);

    /// <summary>What a person is told comes last; nothing before it is a stack.</summary>
    private static void Refused(ProgramEnd end, int status, string begin, string reason)
    {
        end.Errors.ShouldContain(begin);
        end.Errors.ShouldContain(reason);
        end.Errors.ShouldNotContain("Unhandled exception");
        end.Status.ShouldBe(status, end.Errors);
    }
}
