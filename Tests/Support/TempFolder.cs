namespace Builds.Tests;

/// <summary>A directory of the test's own, gone with it.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("builds-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
