using Builds.Workers;
using CsCheck;

namespace Builds.Tests.Workers;

public sealed class WorkerLifecycleTests
{
    [Fact]
    public void Every_pair_of_status_and_signal_does_what_the_table_says()
    {
        var table = new Dictionary<(WorkerStatus, WorkerSignal), WorkerStatus>
        {
            [(WorkerStatus.Ready, WorkerSignal.Drain)] = WorkerStatus.Draining,
            [(WorkerStatus.Ready, WorkerSignal.Silence)] = WorkerStatus.Lost,
            [(WorkerStatus.Draining, WorkerSignal.Emptied)] = WorkerStatus.Drained,
            [(WorkerStatus.Draining, WorkerSignal.Resume)] = WorkerStatus.Ready,
            [(WorkerStatus.Draining, WorkerSignal.Silence)] = WorkerStatus.Lost,
            [(WorkerStatus.Drained, WorkerSignal.Resume)] = WorkerStatus.Ready,
            [(WorkerStatus.Drained, WorkerSignal.Silence)] = WorkerStatus.Lost,
            [(WorkerStatus.Lost, WorkerSignal.Return)] = WorkerStatus.Ready,
        };

        foreach (var status in Enum.GetValues<WorkerStatus>())
        {
            foreach (var signal in Enum.GetValues<WorkerSignal>())
            {
                WorkerStatus? expected = table.TryGetValue((status, signal), out var next) ? next : null;
                WorkerLifecycle.Next(status, signal).ShouldBe(expected, $"{status} + {signal}");
            }
        }
    }

    [Fact]
    public void Whatever_happens_a_worker_that_was_asked_to_leave_takes_no_job_until_that_is_taken_back_or_it_starts_anew() =>
        Gen.Enum<WorkerSignal>().Array[0, 30].Sample(signals =>
        {
            var status = WorkerStatus.Ready;
            var leaving = false;
            foreach (var signal in signals)
            {
                leaving = signal switch
                {
                    WorkerSignal.Drain when status == WorkerStatus.Ready => true,
                    WorkerSignal.Resume => false,
                    WorkerSignal.Return when status == WorkerStatus.Lost => false,
                    _ => leaving,
                };
                status = WorkerLifecycle.Next(status, signal) ?? status;

                if (leaving)
                    status.TakesJobs().ShouldBeFalse($"{status} after {signal}");
                status.TakesJobs().ShouldBe(status == WorkerStatus.Ready);
            }
        }, iter: Rounds.Of(2_000));
}
