using System.Security.Cryptography;
using System.Text;
using Builds.Execution.Native;
using Builds.Images;
using Builds.Support;

namespace Builds.Execution;

/// <summary>A whole build, and all that it says, to the last byte: once per driver and kind of user.</summary>
public sealed class TranscriptTests : IAsyncLifetime
{
    private const uint OrdinaryUser = 23456;
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("builds-test-");
    private GitServer _git = null!;

    public async Task InitializeAsync() => _git = await GitServer.Start();

    public async Task DisposeAsync()
    {
        await _git.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [BubblewrapFact]
    public async Task A_build_in_a_sandbox_says_exactly_what_it_should() =>
        (await RunHere(ExecutionDriver.Bubblewrap)).ShouldBe(Expected(ExecutionDriver.Bubblewrap));

    [Fact]
    public async Task A_build_as_a_plain_process_says_exactly_what_it_should() =>
        (await RunHere(ExecutionDriver.Process)).ShouldBe(Expected(ExecutionDriver.Process));

    [RootFact]
    public async Task A_build_in_a_sandbox_of_an_ordinary_user_says_exactly_what_it_should() =>
        (await RunAsOrdinaryUser(ExecutionDriver.Bubblewrap)).ShouldBe(Expected(ExecutionDriver.Bubblewrap, limited: false));

    [RootFact]
    public async Task A_build_as_a_plain_process_of_an_ordinary_user_says_exactly_what_it_should() =>
        (await RunAsOrdinaryUser(ExecutionDriver.Process)).ShouldBe(Expected(ExecutionDriver.Process));

    private async Task<string> RunHere(ExecutionDriver driver)
    {
        await using var harness = new ExecutorHarness(o =>
        {
            o.Driver = driver;
            // The git server is on this machine's loopback.
            o.HostNetwork = ImageNetwork.Host;
        }, _data.FullName);
        var recorder = new FakeRecorder();
        var outcome = await harness.Executor.Run(Plans.Named("whole", _git.Address), recorder, default, default);
        return recorder.Transcript(outcome);
    }

    private async Task<string> RunAsOrdinaryUser(ExecutionDriver driver)
    {
        Libc.ChangeOwner(_data.FullName, OrdinaryUser, OrdinaryUser).ShouldBe(0);
        await using var program = TestProgram.Start((int)OrdinaryUser, "executor", "plan", _data.FullName, driver.ToString(), "whole", _git.Address);
        return await program.ToEnd();
    }

    private string Expected(ExecutionDriver driver, bool limited = true)
    {
        var home = driver == ExecutionDriver.Process ? $"{_data.FullName}/slots/0/place/home" : "/home/build";
        var remark = driver == ExecutionDriver.Process
            ? "No isolation: this build can read and change what the user of the silo can (the settings ask for driver process)."
            : limited ? "The network is the one of this machine: the settings say so."
                : "Memory is limited for each process by itself, not for the build as a whole: this silo is not root.\n# The disk is not limited: this silo is not root.\n# The network is the one of this machine: this silo is not root.";
        return Plans.WholeTranscript.Replace("@REMARK@", remark, StringComparison.Ordinal).Replace("@HOME@", home, StringComparison.Ordinal)
            .Replace("@GIT@", _git.Address, StringComparison.Ordinal)
            .Replace("@RESULT@", Shown("release\na library\nfrom one\n"), StringComparison.Ordinal)
            .Replace("@BYTES@", Shown("\u0001\0ÿ"), StringComparison.Ordinal);
    }

    private static string Shown(string content)
    {
        var bytes = Encoding.Latin1.GetBytes(content);
        return $"{bytes.Length} bytes {Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}";
    }
}
