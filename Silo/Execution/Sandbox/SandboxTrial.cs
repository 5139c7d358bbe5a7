using System.ComponentModel;
using System.Text;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>Whether a driver works on this machine: installed is not the same as working, so it is tried.</summary>
internal static class SandboxTrial
{
    private static readonly string[] Places = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];

    /// <summary>Where bubblewrap is, or null.</summary>
    public static string? FindBubblewrap() => Places.FirstOrDefault(File.Exists);

    /// <summary>Starts a sandbox and runs a command in it. Null if that worked, else why not, in one sentence without a full stop.</summary>
    public static async Task<string?> Try(Placement place, TimeSpan lease, GuardOrder order)
    {
        try
        {
            var (program, arguments) = place.Command(lease, MakingName.Of("trial"));
            await using var guard = Guard.Start(program, arguments, ExecutionOptions.DefaultNice);
            if (!await guard.Hello())
            {
                guard.Kill();
                var end = await guard.Ended;
                return end.Words.Length > 0 ? end.Words.ReplaceLineEndings("; ") : $"it ended with status {end.Code}";
            }
            var said = new MemoryStream();
            var result = await guard.Run(order, bytes => said.WriteAsync(bytes));
            return result is CommandEnd.Exited(0) ? null : $"it starts, but '{order.Arguments[0]}' does not run inside: {Encoding.UTF8.GetString(said.ToArray()).Trim().ReplaceLineEndings("; ")}";
        }
        catch (Win32Exception e)
        {
            return e.Message.TrimEnd('.');
        }
    }
}
