using Builds.Manifests;

namespace Builds.Commands;

/// <summary>A manifest on disk.</summary>
internal static class ManifestFile
{
    /// <summary>The whole of a file, or of standard input for <c>-</c>.</summary>
    public static async Task<byte[]> Read(string path)
    {
        try
        {
            if (path != "-")
                return await File.ReadAllBytesAsync(path);
            await using var input = Console.OpenStandardInput();
            using var bytes = new MemoryStream();
            await input.CopyToAsync(bytes);
            return bytes.ToArray();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Usage, $"the manifest cannot be read: {error.Message}");
        }
    }

    /// <summary>The manifest in a file; every mistake in it is one line, file, line and column first, as editors and compilers have it.</summary>
    public static BuildManifest Parse(byte[] bytes, string path) => ManifestParser.Parse(bytes) switch
    {
        ManifestResult.Accepted(var manifest) => manifest,
        ManifestResult.Refused(var errors) => throw new CommandException(
            ExitCode.Usage,
            "the manifest has mistakes:\n" + string.Join('\n', errors.Select(error => $"{path}:{error.Line}:{error.Column}: {error.Message}"))),
        var other => throw new System.Diagnostics.UnreachableException(other.GetType().Name),
    };
}
