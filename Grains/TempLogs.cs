// Stand-in until the real one lands; delete this file then.
#pragma warning disable
namespace Builds.Logs
{
    public sealed class LogOptions { public const string Section = "Builds:Logs"; }
    public sealed class AttemptLogs(ILogStore store, Builds.Jobs.JobId job, int attempt, LogOptions options, TimeProvider clock) : IAsyncDisposable
    {
        public ValueTask Say(string line, CancellationToken cancellationToken) => default;
        public ValueTask SetupOutput(ReadOnlyMemory<byte> b, CancellationToken cancellationToken) => default;
        public ValueTask StartTask(string line, CancellationToken cancellationToken) => default;
        public ValueTask TaskOutput(ReadOnlyMemory<byte> b, CancellationToken cancellationToken) => default;
        public ValueTask EndTask(CancellationToken cancellationToken) => default;
        public ValueTask Seal(CancellationToken cancellationToken) => default;
        public ValueTask DisposeAsync() => default;
        public override string ToString() => $"{store}{job}{attempt}{options}{clock}";
    }
}
