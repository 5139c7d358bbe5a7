using System.Diagnostics;

namespace Builds.Support;

/// <summary>This assembly, started as a program of its own (<see cref="Program"/>); its lines can be waited for.</summary>
internal sealed class TestProgram : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Task<string> _errors;

    private TestProgram(Process process) => (_process, _errors) = (process, process.StandardError.ReadToEndAsync());

    public int Id => _process.Id;

    /// <param name="user">The number of the user to run as, or null: as we are.</param>
    public static TestProgram Start(int? user, params string[] arguments) => Within([], user, arguments);

    /// <param name="within">The beginning of a command line which ends by becoming the rest of it.</param>
    public static TestProgram Within(IEnumerable<string> within, int? user, params string[] arguments)
    {
        List<string> command = [.. within, .. user is { } number ? (string[])["setpriv", $"--reuid={number}", $"--regid={number}", "--clear-groups", "--"] : [], Dotnet, typeof(TestProgram).Assembly.Location, .. arguments];
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        return new TestProgram(Process.Start(start)!);
    }

    /// <summary>The program that runs .NET assemblies, which need not be on the path.</summary>
    public static string Dotnet => Path.GetFullPath(Path.Combine(typeof(object).Assembly.Location, "../../../../dotnet"));

    public async Task<string> Line()
    {
        using var bound = new CancellationTokenSource(Bound);
        return await _process.StandardOutput.ReadLineAsync(bound.Token)
            ?? throw new InvalidOperationException($"The program ended: {await _errors}");
    }

    public async Task<string> ToEnd()
    {
        using var bound = new CancellationTokenSource(Bound);
        var text = await _process.StandardOutput.ReadToEndAsync(bound.Token);
        return text + await _errors;
    }

    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        using var bound = new CancellationTokenSource(Bound);
        await _process.WaitForExitAsync(bound.Token);
        _process.Dispose();
    }
}
