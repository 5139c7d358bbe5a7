using System.Diagnostics;

namespace Builds.Tests.Chaos;

/// <summary>A silo's clock and disk, as it is made to see them by a small library (shim.c). Needs gcc.</summary>
internal sealed class Shim(string file)
{
    private static readonly Lazy<string?> library = new(Compile);

    public static bool IsThere => library.Value is not null;

    /// <summary>What the silo's process needs in its environment.</summary>
    public (string Name, string Value)[] Environment
    {
        get
        {
            if (library.Value is not { } path)
                return [];
            if (!File.Exists(file))
                Tell(TimeSpan.Zero, TimeSpan.Zero);
            return [("LD_PRELOAD", path), ("CHAOS_SHIM", file)];
        }
    }

    /// <param name="clock">How much later its date is.</param>
    /// <param name="disk">How long each sync and each rename takes longer.</param>
    public void Tell(TimeSpan clock, TimeSpan disk)
    {
        using var stream = new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        stream.Write(BitConverter.GetBytes(clock.Ticks * TimeSpan.NanosecondsPerTick));
        stream.Write(BitConverter.GetBytes((long)disk.TotalMicroseconds));
    }

    private static string? Compile()
    {
        var place = Path.Combine(AppContext.BaseDirectory, "chaos-shim.so");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", place + ".new", Repository.PathOf("Tests/Chaos/shim.c"), "-ldl"]) { UseShellExecute = false })!;
            compiler.WaitForExit();
            if (compiler.ExitCode != 0)
                return null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // No gcc here: such faults are left out, and the run says so.
        }

        File.Move(place + ".new", place, overwrite: true);
        return place;
    }
}
