using System.Diagnostics;
using System.Security.Cryptography;
using Builds.Execution.Native;
using Builds.Execution.Sandbox;
using Builds.Support;
using Microsoft.Extensions.Options;

namespace Builds.Execution;

/// <summary>The program in <c>Silo/Execution/Init</c>: that it is what its sources say, and that it removes what builds leave.</summary>
public sealed class InitTests
{
    private static readonly string Sources = Path.Combine(Repository(), "Silo", "Execution", "Init");

    [Fact]
    public void The_committed_programs_were_built_from_the_committed_sources()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.GetFiles(Sources, "*.h").Order(StringComparer.Ordinal).Append($"{Sources}/init.c").Append($"{Sources}/build.sh"))
            hash.AppendData(File.ReadAllBytes(file));

        File.ReadLines($"{Sources}/init.built").First().ShouldBe($"sources {Convert.ToHexStringLower(hash.GetHashAndReset())}",
            "run Silo/Execution/Init/build.sh and commit what it makes");
    }

    [SameCompilerFact]
    public async Task Building_them_again_gives_the_same_bytes()
    {
        var to = Directory.CreateTempSubdirectory("builds-test-");
        using var build = Process.Start(new ProcessStartInfo($"{Sources}/build.sh", [to.FullName]) { UseShellExecute = false })!;
        await build.WaitForExitAsync();

        build.ExitCode.ShouldBe(0);
        // build.sh leaves out what there is no compiler for; the one that this fact needs is there.
        File.Exists($"{to}/init-x64.bin").ShouldBeTrue();
        foreach (var made in to.GetFiles())
            (await File.ReadAllBytesAsync(made.FullName)).ShouldBe(await File.ReadAllBytesAsync($"{Sources}/{made.Name}"), made.Name);
        to.Delete(recursive: true);
    }

    [Fact]
    public async Task Wiping_removes_locked_directories_odd_names_and_trees_deeper_than_a_path_and_follows_no_link()
    {
        var directory = Directory.CreateTempSubdirectory("builds-test-");
        var home = directory.CreateSubdirectory("home");
        await File.WriteAllTextAsync($"{directory}/outside", "stays");
        using (var make = Process.Start(new ProcessStartInfo("bash",
            ["-ec", """
            cd "$1"
            mkdir a a/b a/b/c && touch a/b/c/file .hidden $'odd \n \xff name' && ln -s ../outside link && ln -s .. up && ln -s /nowhere broken
            mkfifo pipe && mkdir -p .wipe-1/x .wipe-2 && mkdir locked locked/in && touch locked/in/file && chmod 0 locked/in locked a/b
            name=$(printf 'd%.0s' $(seq 200))
            for i in $(seq 60); do mkdir "$name"; cd "$name"; touch file; done
            """, "-", home.FullName])
        { UseShellExecute = false })!)
        {
            await make.WaitForExitAsync();
            make.ExitCode.ShouldBe(0);
        }
        var program = new GuardProgram(Options.Create(new ExecutionOptions { DataDirectory = $"{directory}/data" }));

        var end = await program.Wipe(home.FullName);

        end.ShouldBe(new GuardEnd(0, ""));
        Directory.Exists(home.FullName).ShouldBeFalse();
        (await File.ReadAllTextAsync($"{directory}/outside")).ShouldBe("stays");
        (await program.Wipe(home.FullName)).ShouldBe(new GuardEnd(0, ""));
        (await program.Wipe($"{directory}/outside")).Code.ShouldBe(1);
        var elsewhere = directory.CreateSubdirectory("elsewhere");
        elsewhere.UnixFileMode = (UnixFileMode)0b111_101_101;
        File.CreateSymbolicLink($"{directory}/led", elsewhere.FullName);
        (await program.Wipe($"{directory}/led")).Code.ShouldBe(1);
        File.GetUnixFileMode(elsewhere.FullName).ShouldBe((UnixFileMode)0b111_101_101, "what a link leads to is not opened up either");
        directory.Delete(recursive: true);
    }

    [BubblewrapFact]
    public async Task A_new_executor_ends_guards_and_removes_homes_that_an_earlier_one_left()
    {
        var data = Directory.CreateTempSubdirectory("builds-test-").FullName;
        var token = Guid.NewGuid().ToString("N");
        await using (var frozen = TestProgram.Start(null, "executor", "trees", data, "Bubblewrap", "60", "4", token))
        {
            (await frozen.Line()).ShouldBe("up");
            Libc.SendSignal(frozen.Id, 19).ShouldBe(0);

            await using var next = new ExecutorHarness(o => o.Driver = ExecutionDriver.Bubblewrap, data);
            var outcome = await next.Run(ExecutorHarness.Manifest("true"), new FakeRecorder());

            outcome.ShouldBeOfType<BuildOutcome.Succeeded>();
            HostileTree.Alive(token).ShouldBeEmpty();
            Directory.EnumerateDirectories(data, "home", SearchOption.AllDirectories).ShouldBeEmpty();
        }
        Directory.Delete(data, recursive: true);
    }

    private static string Repository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Builds.Orleans.sln")))
            directory = directory.Parent ?? throw new DirectoryNotFoundException("The tests do not lie inside the repository.");
        return directory.FullName;
    }

    /// <summary>Other compilers make other, equally good programs; only the one that made the committed ones can be compared.</summary>
    private sealed class SameCompilerFactAttribute : FactAttribute
    {
        public SameCompilerFactAttribute()
        {
            var recorded = File.ReadLines($"{Sources}/init.built").ElementAt(1).Replace("compiler ", "", StringComparison.Ordinal);
            try
            {
                using var gcc = Process.Start(new ProcessStartInfo("x86_64-linux-gnu-gcc", ["--version"]) { UseShellExecute = false, RedirectStandardOutput = true })!;
                if (!(gcc.StandardOutput.ReadLine() ?? "").EndsWith(recorded, StringComparison.Ordinal)) Skip = $"the compiler here is not {recorded}";
            }
            catch (System.ComponentModel.Win32Exception)
            {
                if (!Needs.Ci) Skip = "no compiler: apt-get install gcc";
            }
        }
    }
}
