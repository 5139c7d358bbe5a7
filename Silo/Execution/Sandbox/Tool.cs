namespace Builds.Execution.Sandbox;

/// <summary>Programs of this machine that the silo uses for itself.</summary>
internal static class Tool
{
    /// <summary>Runs one to its end, with an empty environment, and nothing to read.</summary>
    /// <returns>How it ended, and what it wrote to standard error.</returns>
    public static Task<GuardEnd> Run(string program, params string[] arguments) => Run(program, arguments, [], CancellationToken.None);

    /// <summary>The same for one that may take long, which is ended by TERM when that is no longer wanted.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Without its own name.</param>
    /// <param name="environment">All that it has, as NAME=VALUE.</param>
    /// <param name="cancellationToken">Then it throws <see cref="OperationCanceledException"/> once the program has ended.</param>
    public static async Task<GuardEnd> Run(string program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, CancellationToken cancellationToken)
    {
        await using var run = Guard.Start(program, arguments, nice: 0, environment);
        await using var stopping = cancellationToken.Register(run.Interrupt);
        var end = await run.Ended;
        cancellationToken.ThrowIfCancellationRequested();
        return end;
    }

    /// <summary>Runs one to its end; what it wrote to standard output. Throws <see cref="IOException"/> if it fails.</summary>
    /// <param name="file">Written for that, and gone when this returns.</param>
    public static Task<string> Output(string file, string program, params string[] arguments) => Output(file, program, arguments, [], CancellationToken.None);

    /// <inheritdoc cref="Output(string, string, string[])"/>
    /// <param name="file">Written for that, and gone when this returns.</param>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Without its own name.</param>
    /// <param name="environment">All that it has, as NAME=VALUE.</param>
    /// <param name="cancellationToken">Then it throws <see cref="OperationCanceledException"/> once the program has ended.</param>
    public static async Task<string> Output(string file, string program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, CancellationToken cancellationToken)
    {
        try
        {
            var end = await Run("/bin/sh", ["-c", "exec \"$@\" >\"$0\"", file, program, .. arguments], environment, cancellationToken);
            if (end.Code != 0)
                throw new IOException($"{Path.GetFileName(program)} {string.Join(' ', arguments.Where(a => !a.StartsWith('-')).Take(2))}: {(end.Words.Length > 0 ? end.Words.ReplaceLineEndings("; ") : $"status {end.Code}")}");
            return (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
        }
        finally
        {
            File.Delete(file);
        }
    }
}
