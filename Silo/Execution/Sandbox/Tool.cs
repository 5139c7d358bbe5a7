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

    /// <summary>Runs one to its end; what it wrote to standard output. Throws <see cref="IOException"/> if it fails.</summary>
    /// <param name="file">Written for that, and gone when this returns.</param>
    public static async Task<string> Output(string file, string program, params string[] arguments)
    {
        try
        {
            var end = await Run("/bin/sh", ["-c", "exec \"$@\" >\"$0\"", file, program, .. arguments]);
            if (end.Code != 0)
                throw new IOException($"{Path.GetFileName(program)} {string.Join(' ', arguments.Where(a => !a.StartsWith('-')).Take(2))}: {(end.Words.Length > 0 ? end.Words.ReplaceLineEndings("; ") : $"status {end.Code}")}");
            return (await File.ReadAllTextAsync(file)).Trim();
        }
        finally
        {
            File.Delete(file);
        }
    }
}
