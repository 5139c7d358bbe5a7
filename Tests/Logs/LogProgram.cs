using System.Globalization;
using Builds.Jobs;
using Builds.Stores;
using Builds.Support;

namespace Builds.Tests.Logs;

/// <summary>
/// Logs in a process of their own. <c>logs write DIRECTORY</c>: appends for ever to two logs of job 1 and prints, one line per append, the
/// lengths that a reader sees. <c>logs silo DATA</c>: the real host with real builds; prints its address and its admin's token.
/// </summary>
internal static class LogProgram
{
    public static async Task<int> Run(string[] arguments)
    {
        if (arguments is ["silo", var data])
            return await Serve(data);

        var store = new FileLogStore(arguments[1]);
        await using var sealedLog = await store.Create(new JobId(1), 1, null, default);
        await sealedLog.Append(Pattern(0, 1000), default);
        await sealedLog.Seal(default);
        await using var log = await store.Create(new JobId(1), 1, "a", default);
        var sizes = new Random(1);
        for (long length = 0; ;)
        {
            var size = sizes.Next(1, 100_000);
            await log.Append(Pattern(length, size), default);
            length += size;
            Console.WriteLine((await store.Find(new JobId(1), 1, "a", default))!.Value.Length.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>What is written: each byte follows from its offset.</summary>
    public static byte[] Pattern(long offset, int size)
    {
        var bytes = new byte[size];
        for (var index = 0; index < size; index++)
            bytes[index] = (byte)((offset + index) * 31 >> 3);
        return bytes;
    }

    private static async Task<int> Serve(string data)
    {
        await using var server = await BuildsServer.Start(new BuildsServerOptions { Executor = null, DataDirectory = data, Database = DatabaseKind.Sqlite });
        Console.WriteLine($"{server.Address} {server.AdminToken}");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }
}
