using System.Diagnostics;
using Builds.Execution.Native;
using Builds.Support;

namespace Builds.Tests;

/// <summary>The program itself, as a process.</summary>
internal sealed class BuildsProgram : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly Task<string> errors;

    private BuildsProgram(Process process) => (this.process, errors) = (process, process.StandardError.ReadToEndAsync());

    public int Id => process.Id;

    /// <param name="directory">Where it runs.</param>
    /// <param name="arguments">Of the command line.</param>
    public static BuildsProgram Start(string directory, params string[] arguments) => Start(directory, input: null, arguments);

    /// <summary>Runs it to its end.</summary>
    public static Task<ProgramEnd> Run(string directory, params string[] arguments) => Run(directory, input: null, arguments);

    /// <param name="directory">Where it runs.</param>
    /// <param name="input">On its standard input; null: nothing.</param>
    /// <param name="arguments">Of the command line.</param>
    /// <param name="variables">Of its environment, besides ours.</param>
    public static async Task<ProgramEnd> Run(string directory, string? input, string[] arguments, params (string Name, string Value)[] variables)
    {
        await using var program = Start(directory, input, arguments, variables);
        return await program.End();
    }

    /// <summary>A server on a directory, when it says that it is ready; on the database that <see cref="Databases.Default"/> says.</summary>
    public static async Task<(BuildsProgram Program, string Welcome)> Serve(string data, params string[] arguments) => Databases.Default == DatabaseKind.Postgres
        ? await Serve(data, arguments, [.. (await ClusterOfOne.Settings(data)).Select(setting => (setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value!))])
        : await ServeAlone(data, arguments);

    /// <summary>The same, in any case on SQLite: for what only a silo that is alone does.</summary>
    public static Task<(BuildsProgram Program, string Welcome)> ServeAlone(string data, params string[] arguments) => Serve(data, arguments, []);

    /// <summary>The same, with variables in its environment besides ours.</summary>
    public static async Task<(BuildsProgram Program, string Welcome)> Serve(string data, string[] arguments, (string Name, string Value)[] variables)
    {
        var program = Start(Repository.Root, input: null, ["serve", "--data", data, .. arguments.Contains("--urls") ? (string[])[] : ["--urls", "http://127.0.0.1:0"], .. arguments], variables);
        return (program, await program.Line());
    }

    /// <summary>The next line of its output; fails with what it said to its end when there is none.</summary>
    public async Task<string> Line()
    {
        using var bound = new CancellationTokenSource(Bound);
        return await process.StandardOutput.ReadLineAsync(bound.Token)
            ?? throw new InvalidOperationException($"the program ended: {await errors}");
    }

    /// <summary>Reads on until a line holds this text.</summary>
    public async Task<string> LineWith(string text)
    {
        while (true)
        {
            var line = await Line();
            if (line.Contains(text, StringComparison.Ordinal))
                return line;
        }
    }

    public void Signal(int signal) => Libc.SendSignal(Id, signal).ShouldBe(0);

    /// <summary>How it ended; fails with what it said when that takes longer than a minute.</summary>
    public async Task<ProgramEnd> End()
    {
        using var bound = new CancellationTokenSource(Bound);
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(bound.Token);
            await process.WaitForExitAsync(bound.Token);
            return new ProgramEnd(process.ExitCode, output, await errors);
        }
        catch (OperationCanceledException late)
        {
            process.Kill();
            throw new TimeoutException($"the program was to end; it said: {await errors}", late);
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        using var bound = new CancellationTokenSource(Bound);
        await process.WaitForExitAsync(bound.Token);
        process.Dispose();
    }

    private static BuildsProgram Start(string directory, string? input, string[] arguments, params (string Name, string Value)[] variables)
    {
        // Tests may themselves have been put in the background by a shell, which makes all below them ignore interrupts.
        string[] command = ["--default-signal=INT", Path.Combine(AppContext.BaseDirectory, "builds"), .. arguments];
        var start = new ProcessStartInfo("env", command)
        {
            UseShellExecute = false,
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("BUILDS_URL");
        start.Environment.Remove("BUILDS_TOKEN");
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(Builds.Support.TestProgram.Dotnet);
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        var started = Process.Start(start)!;
        started.StandardInput.Write(input ?? "");
        started.StandardInput.Close();
        return new BuildsProgram(started);
    }
}

internal sealed record ProgramEnd(int Status, string Output, string Errors);
