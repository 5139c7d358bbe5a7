using Xunit.Abstractions;

namespace Builds.Tests.Chaos;

/// <summary>What a long run tells while it runs: the test's own output comes at its end, the file BUILDS_CHAOS_STORY at once.</summary>
internal sealed class Story(ITestOutputHelper output)
{
    private readonly Lock gate = new();

    public void Tell(string line)
    {
        output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("BUILDS_CHAOS_STORY") is { Length: > 0 } file)
        {
            lock (gate)
                File.AppendAllText(file, line + "\n");
        }
    }
}
