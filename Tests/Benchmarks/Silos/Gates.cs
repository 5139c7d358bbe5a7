using System.Collections.Concurrent;
using Builds.Jobs;

namespace Builds.Benchmarks.Silos;

/// <summary>One for each job: its build waits there until the benchmark opens it, which may be before the build comes.</summary>
internal sealed class Gates
{
    private readonly ConcurrentDictionary<JobId, TaskCompletionSource> gates = [];

    public Task Opened(JobId job) => Of(job).Task;

    public void Open(JobId job) => Of(job).TrySetResult();

    private TaskCompletionSource Of(JobId job) => gates.GetOrAdd(job, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
