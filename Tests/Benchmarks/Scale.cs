namespace Builds.Benchmarks;

/// <summary>How much is measured.</summary>
/// <param name="WarmUp">How long something is done before it is measured: a silo is still compiling itself in its first seconds.</param>
/// <param name="Turn">How long one measurement lasts.</param>
/// <param name="Turns">How often each is repeated.</param>
/// <param name="Singles">How often something is done that must be done alone.</param>
/// <param name="LogMiB">How large the log is.</param>
/// <param name="Queued">How many jobs wait where very many do.</param>
/// <param name="Catalogue">How many jobs there ever were.</param>
/// <param name="Beside">How long something is watched beside a build that takes all it can get, and without.</param>
/// <param name="Line">How long the neighbour is silent between two lines; a second and more, or its lines wait for each other.</param>
/// <param name="Pairs">How often, in turns.</param>
/// <param name="HogDisk">Bytes of disk that such a build may have.</param>
/// <param name="HogMemory">Bytes of memory that it may have.</param>
/// <param name="HogProcesses">Processes that it may have; null: as many as any build.</param>
/// <param name="HogOutput">Bytes of output that it may write.</param>
internal sealed record Scale(
    TimeSpan WarmUp, TimeSpan Turn, int Turns, int Singles, int LogMiB, int Queued, int Catalogue, TimeSpan Beside, TimeSpan Line, int Pairs, string HogDisk, string HogMemory, string? HogProcesses, string HogOutput)
{
    public static readonly Scale Full = new(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1.5), Turns: 3, Singles: 100, LogMiB: 256, Queued: 100_000, Catalogue: 1_000_000,
        Beside: TimeSpan.FromSeconds(4), Line: TimeSpan.FromSeconds(1.1), Pairs: 5, HogDisk: "4294967296", HogMemory: "4294967296", HogProcesses: null, HogOutput: "1073741824");

    /// <summary>Shows that everything works, and nothing about speed.</summary>
    public static readonly Scale Smoke = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50), Turns: 1, Singles: 2, LogMiB: 2, Queued: 2_000, Catalogue: 5_000,
        Beside: TimeSpan.FromSeconds(0.5), Line: TimeSpan.FromSeconds(0.1), Pairs: 1, HogDisk: "2147483648", HogMemory: "268435456", HogProcesses: "64", HogOutput: "1048576");
}
