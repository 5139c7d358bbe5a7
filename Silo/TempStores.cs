// Stand-in until the real one lands; delete this file then.
#pragma warning disable
using System.Collections.Immutable;
using Builds.Artifacts;
using Builds.Jobs;

namespace Builds.Logs;

internal static class TempStoresExtensions
{
    public static IServiceCollection AddBuildsStores(this IServiceCollection services, string logs, string artifacts)
    {
        var store = new TempStores();
        return services.AddSingleton<ILogStore>(store).AddSingleton<IArtifactStore>(store);
    }
}

internal sealed class TempStores : ILogStore, IArtifactStore
{
    private sealed class Appender : ILogAppender
    {
        public ValueTask Append(ReadOnlyMemory<byte> b, CancellationToken c) => default;
        public ValueTask Seal(CancellationToken c) => default;
        public ValueTask DisposeAsync() => default;
    }
    public Task<ILogAppender> Create(JobId job, int attempt, string? task, CancellationToken c) => Task.FromResult<ILogAppender>(new Appender());
    public Task<ImmutableArray<LogLength>> Close(JobId job, int attempt, CancellationToken c) => Task.FromResult(ImmutableArray<LogLength>.Empty);
    public Task<LogState?> Find(JobId job, int attempt, string? task, CancellationToken c) => Task.FromResult<LogState?>(null);
    public ValueTask<int> Read(JobId job, int attempt, string? task, long offset, Memory<byte> buffer, CancellationToken c) => ValueTask.FromResult(0);
    public async Task<LogState> WaitForMore(JobId job, int attempt, string? task, long known, CancellationToken c) { await Task.Delay(-1, c); return default; }
    public Task<Artifact> Store(JobId job, int attempt, int number, string path, Stream content, CancellationToken c) =>
        Task.FromResult(new Artifact(number, path, Path.GetFileName(path), "0123456789abcdef", 0, new string('0', 64), TimeProvider.System.GetUtcNow()));
    public Task<Stream?> Open(JobId job, string key, string name, CancellationToken c) => Task.FromResult<Stream?>(null);
}
