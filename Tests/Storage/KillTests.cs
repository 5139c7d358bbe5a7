using System.Globalization;
using Builds.Jobs;
using Builds.Support;

namespace Builds.Tests.Storage;

/// <summary>A process that is killed while it writes, on the same file again and again.</summary>
public sealed class KillTests
{
    [Fact]
    public async Task Every_write_that_was_answered_before_a_kill_is_there_after_it()
    {
        var folder = Directory.CreateTempSubdirectory("builds-storage-");
        var file = Path.Combine(folder.FullName, "builds.db");
        var random = new Random(20261124);
        var answered = new List<int>();
        for (var round = 0; round < 5; round++)
        {
            await using var program = TestProgram.Start(null, "storage", file, $"{round * 1_000_000 + 1}", "16");
            // Not after a time but after a number of answers: the kill falls somewhere into the writes that follow.
            for (var left = random.Next(1, 400); left > 0; left--)
                answered.Add(int.Parse(await program.Line(), CultureInfo.InvariantCulture));
            program.Kill();
        }

        await using (var storage = await StorageHarness.Start(file))
        {
            foreach (var id in answered)
                (await storage.Catalogue.Find(new JobId(id), default)).ShouldNotBeNull($"job {id} was acknowledged");
        }

        folder.Delete(recursive: true);
    }
}
