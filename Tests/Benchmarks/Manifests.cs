using Builds.Jobs;

namespace Builds.Benchmarks;

/// <summary>What is submitted.</summary>
internal static class Manifests
{
    /// <summary>The task whose log is read.</summary>
    public const string Task = "build";

    /// <summary>Does nothing, and is as long as manifests of small projects are.</summary>
    public const string True = """
        image: host
        environment:
          project: benchmark
          prefix: /home/build/prefix
          deploy: user@host.example
        triggers:
        - action: webhook
          condition: failure
          url: https://ci.example/hook
        tasks:
        - build: |
            true

        """;

    public const string Hello = "image: host\ntasks:\n- build: echo hello\n";

    /// <summary>One task.</summary>
    public static string Of(string image, string script) =>
        $"image: {image}\ntasks:\n- {Task}: |\n{string.Join('\n', script.Split('\n').Select(line => $"    {line}"))}\n";

    /// <summary>The record of a job that was submitted then and has no number yet.</summary>
    public static JobState Submitted(DateTimeOffset at) =>
        JobDecisions.Submit(new JobId(0), new JobSubmission { Owner = "admin", Manifest = True }, "host", [Task], at) with { Updated = at };
}
