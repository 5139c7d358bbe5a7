namespace Builds.Tests;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>Every file with one of these endings, without what the build made; relative to <see cref="Root"/>.</summary>
    public static IEnumerable<string> Files(params string[] endings) => Directory
        .EnumerateFiles(Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden })
        .Select(file => Path.GetRelativePath(Root, file))
        .Where(file => endings.Contains(Path.GetExtension(file)) && !file.Split('/').Any(part => part is "bin" or "obj" or "data" or "artifacts" or "node_modules"));

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Builds.Orleans.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No Builds.Orleans.sln above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }
}
