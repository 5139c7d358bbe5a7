using System.Globalization;

namespace Builds.Tests.Storage;

/// <summary>
/// <c>storage DATABASE FIRST WRITERS</c>: writers that store jobs for ever, from id FIRST on, and print each id once its write was answered.
/// </summary>
internal static class StorageProgram
{
    public static async Task<int> Run(string[] arguments)
    {
        var next = int.Parse(arguments[1], CultureInfo.InvariantCulture) - 1;
        await using var storage = await StorageHarness.Start(arguments[0]);
        await Task.WhenAll(Enumerable.Range(0, int.Parse(arguments[2], CultureInfo.InvariantCulture)).Select(async _ =>
        {
            while (true)
            {
                var id = Interlocked.Increment(ref next);
                await storage.Write(Jobs.Queued(id));
                Console.WriteLine(id);
            }
        }));
        return 0;
    }
}
