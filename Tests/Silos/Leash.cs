using System.Diagnostics;
using System.Globalization;

namespace Builds.Tests.Silos;

/// <summary>
/// Processes that are to end with this one, however it ends. The kernel's own signal at a parent's death is no use here: it comes with the
/// end of the thread that forked, which is one of a pool.
/// </summary>
internal static class Leash
{
    private static readonly Lock Gate = new();
    private static Process? keeper;

    /// <summary>SIGKILL for it when this process is gone. One that has ended by then costs nothing, nor does another one of its number.</summary>
    public static void Hold(int process)
    {
        lock (Gate)
        {
            if (keeper is null or { HasExited: true })
                keeper = Keep();
            keeper.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{process} {Started(process)}"));
            keeper.StandardInput.Flush();
        }
    }

    /// <summary>What tells it from a later process of the same number; 0: it has ended.</summary>
    private static string Started(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1].Split(' ')[19];
        }
        catch (IOException)
        {
            return "0";
        }
    }

    // Its input ends with this process: nobody inherits the other end. A program's name may have blanks and brackets in it.
    private static Process Keep() => Process.Start(new ProcessStartInfo("bash", ["-c", """
        trap '' INT TERM
        held=()
        while read -r line; do held+=("$line"); done
        for line in "${held[@]}"; do
            read -r process started <<<"$line"
            stat=$(cat "/proc/$process/stat" 2>/dev/null) || continue
            read -ra fields <<<"${stat##*) }"
            [ "${fields[19]}" = "$started" ] && kill -KILL "$process"
        done
        """])
    { UseShellExecute = false, RedirectStandardInput = true })!;
}

/// <summary><c>leash</c>: starts a process that would stay, says its number, and waits to be killed.</summary>
internal static class LeashProgram
{
    public static async Task<int> Run()
    {
        using var stays = Process.Start(new ProcessStartInfo("sleep", ["1000"]) { UseShellExecute = false })!;
        Leash.Hold(stays.Id);
        Console.WriteLine(stays.Id);
        await stays.WaitForExitAsync();
        return 0;
    }
}
