using System.Globalization;
using Builds.Cluster;
using Builds.Execution;
using Builds.Jobs;
using Builds.Users;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Builds.Benchmarks.Silos;

/// <summary>
/// This program as a silo of a cluster: the composition of <c>builds serve</c>, with settings from the environment and builds that are no
/// processes. It answers questions of its starter, and ends with it.
/// </summary>
internal static class SiloProgram
{
    public const string Verb = "silo", Gated = "gated", Ready = "Ready: ", Heap = "heap", Open = "open ";

    /// <param name="log">The file that its log goes to.</param>
    /// <param name="gated">Whether each build waits until it is let through.</param>
    public static async Task<int> Run(string directory, string log, bool gated)
    {
        var gates = gated ? new Gates() : null;
        await using var errors = new StreamWriter(log, append: true) { AutoFlush = true };
        Console.SetError(errors);
        var data = DataDirectory.Create(directory);
        using var held = data.Lock();
        await using var app = await BuildsHost.WithHttp(new BuildsHostOptions
        {
            Data = data,
            Urls = "http://127.0.0.1:0",
            Configure = services => services.Replace(ServiceDescriptor.Singleton<IBuildExecutor>(new NullExecutor(gates))),
        });
        await app.StartAsync();
        await FirstStart.EnsureAdmin(data, app.Services.GetRequiredService<IGrainFactory>());
        await Console.Out.WriteLineAsync(Ready + app.Services.GetRequiredService<PublicOrigin>().Listening);
        while (await Console.In.ReadLineAsync() is { } question)
        {
            if (question == Heap)
                await Console.Out.WriteLineAsync(Heapsize().ToString(CultureInfo.InvariantCulture));
            else if (question.StartsWith(Open, StringComparison.Ordinal))
                gates!.Open(new JobId(int.Parse(question[Open.Length..], CultureInfo.InvariantCulture)));
        }

        return 0;
    }

    /// <summary>In bytes, of what is in use.</summary>
    private static long Heapsize()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
