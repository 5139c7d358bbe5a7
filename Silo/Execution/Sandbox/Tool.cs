namespace Builds.Execution.Sandbox;

/// <summary>Programs of this machine that the silo uses for itself.</summary>
internal static class Tool
{
    /// <summary>Runs one to its end, with an empty environment, and nothing to read.</summary>
    /// <returns>How it ended, and what it wrote to standard error.</returns>
    public static async Task<GuardEnd> Run(string program, params string[] arguments)
    {
        await using var run = Guard.Start(program, arguments, nice: 0);
        return await run.Ended;
    }
}
