using System.Diagnostics;
using System.Globalization;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Places;

/// <summary>
/// A machine beyond this one, with an address as public ones are, which answers everybody with one word: a network namespace that knows
/// no way but by its end of a cable.
/// </summary>
internal sealed class OutsideNetwork : IAsyncDisposable
{
    public const string Word = "outside";
    private const string Ip = "/usr/sbin/ip";

    private static int count;
    private readonly string name;
    private Process? server;

    private OutsideNetwork(string name, string machine) => (this.name, Machine) = (name, machine);

    /// <summary>With its port.</summary>
    public string Address { get; private set; } = "";

    /// <summary>This machine's end of the cable.</summary>
    public string Machine { get; }

    /// <summary>What a program of a build says to get the word of whoever has an address; or <c>refused</c>.</summary>
    public static string Reach(string address) =>
        $"perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => \"{address}\", Timeout => 5); print $s ? <$s> : \"refused\", \"\\n\"'";

    /// <summary>A program that says its port, then answers everybody with a word.</summary>
    public static string Serve(string word) =>
        $"$| = 1; $l = IO::Socket::INET->new(Listen => 5, LocalPort => 0, Proto => \"tcp\"); print $l->sockport, \"\\n\"; while ($c = $l->accept) {{ print $c \"{word}\"; close $c }}";

    public static async Task<OutsideNetwork> Open()
    {
        // Of the range for benchmarks (RFC 2544), which is nobody's; other tests of this machine do the same at the same time.
        var number = (Environment.ProcessId * 4 + Interlocked.Increment(ref count)) % 32768 * 4;
        var (ours, theirs) = (At(number + 1), At(number + 2));
        var outside = new OutsideNetwork($"outside{number.ToString(CultureInfo.InvariantCulture)}", ours);
        await Run("netns", "add", outside.name);
        await Run("link", "add", outside.name, "type", "veth", "peer", "name", "eth0", "netns", outside.name);
        await Run("address", "add", $"{ours}/30", "dev", outside.name);
        await Run("link", "set", outside.name, "up");
        await Run("-n", outside.name, "address", "add", $"{theirs}/30", "dev", "eth0");
        await Run("-n", outside.name, "link", "set", "eth0", "up");
        await Run("-n", outside.name, "route", "add", "default", "via", ours);
        outside.server = Process.Start(new ProcessStartInfo(Ip, ["netns", "exec", outside.name, "perl", "-MIO::Socket::INET", "-e", Serve(Word)]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        outside.Address = $"{theirs}:{await outside.server.StandardOutput.ReadLineAsync()}";
        return outside;

        static string At(int number) => string.Create(CultureInfo.InvariantCulture, $"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}");
    }

    /// <summary>What somebody out there gets who tries an address; or <c>refused</c>.</summary>
    public async Task<string> Ask(string address)
    {
        using var asking = Process.Start(new ProcessStartInfo(Ip, ["netns", "exec", name, "/bin/sh", "-c", Reach(address)]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var answer = await asking.StandardOutput.ReadToEndAsync();
        await asking.WaitForExitAsync();
        return answer.Trim();
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            server.Kill();
            await server.WaitForExitAsync();
            server.Dispose();
        }

        await Run("link", "delete", name);
        await Run("netns", "delete", name);
    }

    private static async Task Run(params string[] arguments)
    {
        var end = await Tool.Run(Ip, arguments);
        end.Code.ShouldBe(0, $"ip {string.Join(' ', arguments)}: {end.Words}");
    }
}
