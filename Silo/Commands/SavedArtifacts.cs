using Builds.Artifacts;
using Builds.Execution;
using Builds.Jobs;

namespace Builds.Commands;

/// <summary>The files that a build left behind, put where the person who ran it finds them.</summary>
internal static class SavedArtifacts
{
    private const string Directory = "artifacts";

    /// <summary>Writes each artifact of the job below <c>./artifacts</c> by its path.</summary>
    public static async Task Save(IServiceProvider services, IJobGrain grain)
    {
        var job = await grain.Get();
        foreach (var artifact in job?.Artifacts ?? [])
        {
            var path = Path.Combine(Directory, ArtifactRules.Inside(artifact.Path) ?? artifact.Name);
            await using var content = await services.GetRequiredService<IArtifactStore>().Open(job!.Id, artifact.Key, artifact.Name, CancellationToken.None)
                ?? throw new CommandException(ExitCode.CouldNotRun, $"artifact {artifact.Path} is not in the store any more");
            try
            {
                System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await using var file = File.Create(path);
                await content.CopyToAsync(file);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new CommandException(ExitCode.CouldNotRun, $"artifact {artifact.Path} cannot be saved: {error.Message}");
            }

            await Console.Out.WriteLineAsync($"saved {path}, {artifact.Size} bytes");
        }
    }
}
