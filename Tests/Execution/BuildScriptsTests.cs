using System.Diagnostics;
using System.Text;
using Builds.Jobs;
using Builds.Manifests;
using CsCheck;

namespace Builds.Execution;

public sealed class BuildScriptsTests
{
    private static readonly Encoding utf8 = new UTF8Encoding(false);

    [Fact]
    public async Task Every_type_of_value_reaches_the_task_as_the_table_says()
    {
        var manifest = Manifest("""
            image: host
            environment:
              PLAIN: a/b,c@d%e+f=g:h.i-j_k
              SPACED: "it's  $HOME `id` \"x\" \\ *"
              EMPTY: ""
              YES: yes
              NO: off
              NOTHING:
              NUMBER: 1_000_000
              HEX: 0x10
              OCTAL: 010
              BIG: 123456789012345678901234567890
              FLOAT: 1.50
              SMALL: 1e-7
              LARGE: 1.0e6
              DATE: 2020-01-02
              LIST: [a b, "$HOME", 'it''s', 7, true, "", '*']
            tasks:
              - a: |
                  set +x
                  for v in PLAIN SPACED EMPTY YES NO NOTHING NUMBER HEX OCTAL BIG FLOAT SMALL LARGE DATE; do printf '%s=[%s]\n' "$v" "${!v}"; done
                  printf '<%s>' "${LIST[@]}"; printf '\n%s %s\n' "${#LIST[@]}" "$(bash -c 'echo "${LIST-unset} ${NOTHING+set} $JOB_ID"')"
            """);

        var (output, exit) = await Run(manifest, 0);

        exit.ShouldBe(0);
        output.ShouldBe("""
            PLAIN=[a/b,c@d%e+f=g:h.i-j_k]
            SPACED=[it's  $HOME `id` "x" \ *]
            EMPTY=[]
            YES=[true]
            NO=[false]
            NOTHING=[]
            NUMBER=[1000000]
            HEX=[16]
            OCTAL=[8]
            BIG=[123456789012345678901234567890]
            FLOAT=[1.5]
            SMALL=[1e-07]
            LARGE=[1e+06]
            DATE=[2020-01-02]
            <a b><$HOME><it's><7><true><><*>
            7 unset set 7

            """);
    }

    [Fact]
    public async Task Any_text_comes_out_of_a_task_byte_for_byte()
    {
        var texts = Gen.OneOf(Gen.String, Gen.String[Gen.Char["'\"\\$`!*?~#&|;<>(){}[] \t\n\ra=%"]]).Select(text => Storable(text));
        await texts.Array[1, 20].SampleAsync(async values =>
        {
            var environment = values.Select((value, i) => KeyValuePair.Create($"V{i}", (EnvironmentValue)new EnvironmentValue.Text(value)))
                .Append(KeyValuePair.Create("LIST", (EnvironmentValue)new EnvironmentValue.List([.. values.Select(value => new EnvironmentValue.Text(value))])));
            var names = string.Join(' ', values.Select((_, i) => $"\"$V{i}\""));
            var manifest = new BuildManifest
            {
                Image = "host",
                Environment = [.. environment],
                Tasks = [new BuildTask("a", $"set +x; printf '%s\\0' {names} \"${{LIST[@]}}\"")],
            };

            var (output, exit) = await Run(manifest, 0);

            exit.ShouldBe(0);
            output.ShouldBe(string.Concat(values.Concat(values).Select(value => value + "\0")));
        }, iter: 60);
    }

    [Fact]
    public async Task What_is_ours_wins_over_the_manifest()
    {
        var manifest = Manifest("""
            image: host
            environment: {CI_NAME: me, JOB_ID: [1], JOB_URL: {a: b}, JOB_ATTEMPT: 9}
            tasks:
              - a: set +x; echo "$CI_NAME $JOB_ID $JOB_URL $JOB_ATTEMPT"
            """);

        var (output, _) = await Run(manifest, 0);

        output.ShouldBe("sourcehut 7 http://builds.example/~a b/job/7 2\n");
    }

    [Theory]
    [InlineData("true || complete-build; false", 1, false)]
    [InlineData("false || complete-build; false", 0, true)]
    [InlineData("if true; then complete-build; fi; false", 0, true)]
    [InlineData("complete-build", 0, true)]
    [InlineData("f() { complete-build; }; f; false", 0, true)]
    public async Task Complete_build_ends_the_task_well_and_leaves_its_marker(string script, int expected, bool marked)
    {
        var home = Directory.CreateTempSubdirectory("builds-complete-");
        try
        {
            var manifest = new BuildManifest { Image = "host", Tasks = [new BuildTask("a", script)] };

            var (_, exit) = await RunIn(home.FullName, manifest, 0);

            exit.ShouldBe(expected);
            File.Exists(Path.Combine(home.FullName, BuildScripts.CompleteMarker)).ShouldBe(marked);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("false; echo on", 1, "")]
    [InlineData("echo \"[$UNSET]\"; false | true; echo on", 0, "[]\non\n")]
    public async Task A_task_stops_at_the_first_failure_but_not_for_unset_names_or_pipes(string script, int expected, string printed)
    {
        var (output, exit) = await Run(new BuildManifest { Image = "host", Tasks = [new BuildTask("a", script)] }, 0);

        exit.ShouldBe(expected);
        output.ShouldBe(printed);
    }

    [Fact]
    public async Task A_line_added_to_the_environment_file_reaches_the_next_task()
    {
        var home = Directory.CreateTempSubdirectory("builds-handover-");
        try
        {
            var manifest = Manifest("""
                image: host
                environment: {A: first}
                tasks:
                  - one: echo 'export A=second' >> ~/.buildenv
                  - two: echo "$A"
                """);
            await RunIn(home.FullName, manifest, 0);

            var (output, _) = await RunIn(home.FullName, manifest, 1, keepEnvironment: true);

            output.ShouldBe("second\n");
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Acurl_sends_the_token_without_showing_it()
    {
        var home = Directory.CreateTempSubdirectory("builds-acurl-");
        try
        {
            var tools = Directory.CreateDirectory(Path.Combine(home.FullName, "bin"));
            var curl = Path.Combine(tools.FullName, "curl");
            await File.WriteAllTextAsync(curl, "#!/bin/sh\nprintf '%s ' \"$@\" | sed 's|/dev/fd/[0-9]*|FD|'\ncat \"$2\"\n");
            File.SetUnixFileMode(curl, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            var manifest = Manifest("""
                image: host
                environment: {OAUTH2_TOKEN: sesame}
                tasks:
                  - a: PATH=~/bin:$PATH; exec 2>&1; acurl -s https://x/y
                """);

            var (output, exit) = await RunIn(home.FullName, manifest, 0);

            exit.ShouldBe(0);
            output.ShouldBe("+ acurl -s https://x/y\n--config FD -s https://x/y oauth2-bearer = \"sesame\"\n");
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    [Fact]
    public void Maps_and_names_that_no_shell_knows_are_refused_all_at_once()
    {
        var manifest = Manifest("""
            image: host
            environment: {1A: x, "A;id": y, M: {a: b}, L: [[1]], "": z, GOOD: secret}
            tasks: [{a: "true"}]
            """);

        var refused = BuildScripts.Environment(manifest, new JobId(7), "http://x", 1).ShouldBeOfType<BuildEnvironmentResult.Refused>();

        refused.Reasons.Length.ShouldBe(5);
        refused.Reasons.ShouldContain(reason => reason.Contains("'A;id'", StringComparison.Ordinal));
        refused.Reasons.ShouldContain(reason => reason.Contains("M is a map", StringComparison.Ordinal));
    }

    private static BuildManifest Manifest(string text) => ManifestParser.Parse(text).ShouldBeOfType<ManifestResult.Accepted>().Manifest;

    /// <summary>Without NUL, which no variable holds, and without halves of pairs, which UTF-8 does not.</summary>
    private static string Storable(string text) => utf8.GetString(utf8.GetBytes(text.Replace("\0", "", StringComparison.Ordinal)));

    private static async Task<(string Output, int Exit)> Run(BuildManifest manifest, int task)
    {
        var home = Directory.CreateTempSubdirectory("builds-scripts-");
        try
        {
            return await RunIn(home.FullName, manifest, task);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    private static async Task<(string Output, int Exit)> RunIn(string home, BuildManifest manifest, int task, bool keepEnvironment = false)
    {
        var environment = BuildScripts.Environment(manifest, new JobId(7), "http://builds.example/~a b/job/7", 2).ShouldBeOfType<BuildEnvironmentResult.Written>();
        if (!keepEnvironment)
            await File.WriteAllTextAsync(Path.Combine(home, ".buildenv"), environment.Text, utf8);
        await File.WriteAllTextAsync(Path.Combine(home, "task"), BuildScripts.Task(manifest.Tasks[task]), utf8);

        var start = new ProcessStartInfo("/usr/bin/env", ["-i", $"HOME={home}", "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "bash", "task"])
        {
            WorkingDirectory = home,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            StandardOutputEncoding = utf8,
        };
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync(bound.Token);
        var output = await process.StandardOutput.ReadToEndAsync(bound.Token);
        await errors;
        await process.WaitForExitAsync(bound.Token);
        return (output, process.ExitCode);
    }
}
