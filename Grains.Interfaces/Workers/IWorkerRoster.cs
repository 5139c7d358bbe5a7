using System.Collections.Immutable;

namespace Builds.Workers;

/// <summary>Who could have a worker. Answers from memory, at once; may be a moment old.</summary>
public interface IWorkerRoster
{
    /// <summary>The names of the silos that are in the cluster now, each once, in order. Not all of them need run a worker.</summary>
    ImmutableArray<string> Silos { get; }
}
