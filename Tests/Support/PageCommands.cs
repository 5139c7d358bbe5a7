using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Builds.Support;

/// <summary>The commands of a page, run as somebody would paste them.</summary>
internal static partial class PageCommands
{
    /// <summary>Each block of them, in the page's order.</summary>
    public static IReadOnlyList<string> Of(string page) => [.. Block().Matches(page).Select(block => block.Groups["script"].Value)];

    /// <summary>Runs a script in a folder; all that it printed. Throws <see cref="TimeoutException"/> when the bound is over.</summary>
    public static async Task<(int Status, string Output)> Run(string script, string folder, TimeSpan bound, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("bash", ["-c", script + "\n"]) { UseShellExecute = false, WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(TestProgram.Dotnet);
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var bash = Process.Start(start)!;
        using var over = new CancellationTokenSource(bound);
        var (output, errors) = (bash.StandardOutput.ReadToEndAsync(over.Token), bash.StandardError.ReadToEndAsync(over.Token));
        try
        {
            await bash.WaitForExitAsync(over.Token);
            return (bash.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException error)
        {
            bash.Kill(entireProcessTree: true);
            throw new TimeoutException($"the commands of the page did not end within {bound}", error);
        }
    }

    [GeneratedRegex("^```sh\n(?<script>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Block();
}
