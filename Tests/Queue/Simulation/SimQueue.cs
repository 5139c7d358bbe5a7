using Builds.Jobs;
using Builds.Queue;
using Builds.Workers;

namespace Builds.Tests.Queue.Simulation;

/// <summary>One activation of the queue: the book itself, fed as the grain feeds it.</summary>
public sealed class SimQueue
{
    private readonly SimWorld world;
    private readonly QueueBook book;
    private readonly TimeSpan born;
    private TimeSpan lastFull = TimeSpan.MinValue;
    private bool dead;

    public SimQueue(SimWorld world, int activation)
    {
        this.world = world;
        born = world.Now;
        Activation = activation;
        var dispatches = 0;
        book = new QueueBook(SimWorld.Lease, SimWorld.Options, SimWorld.JobTimeout, Time, () => $"q{activation}-{++dispatches}");
    }

    public int Activation { get; }

    private QueueTime Time => new(world.Now - born, world.Wall);

    public void Start() => Beat();

    public void Die() => dead = true;

    public void Hint(JobHint hint)
    {
        if (dead)
            return;
        book.Hint(hint, Time);
        Act();
    }

    public HeartbeatAnswer? Heartbeat(Heartbeat beat)
    {
        if (dead)
            return null;
        var answer = book.Heartbeat(beat, Time);
        Act();
        return answer;
    }

    private void Beat()
    {
        if (dead)
            return;
        book.Tick(Time);
        Act();
        var full = lastFull == TimeSpan.MinValue || world.Now - lastFull >= SimWorld.Options.FullReconcile;
        // The reading takes a while: what it says is older than what the book may know by then.
        world.Send(() =>
        {
            var open = world.Jobs.Open(full ? null : world.Wall - TimeSpan.FromMinutes(1));
            world.Send(() => Feed(() =>
            {
                if (full)
                    lastFull = world.Now;
                book.Reconcile(open, Time);
            }));
        });
        world.At(SimWorld.Options.Reconcile, Beat);
    }

    private void Feed(Action feed)
    {
        if (dead)
            return;
        feed();
        Act();
    }

    private void Act()
    {
        foreach (var effect in book.TakeEffects())
        {
            switch (effect)
            {
                case QueueEffect.Dispatch dispatch:
                    Dispatch(dispatch);
                    break;
                case QueueEffect.Ask ask:
                    Call<bool?>(reply => Worker(ask.Worker).Holds(ask.Job, ask.Attempt, ask.Incarnation, holds => reply(holds)), holds => book.Asked(ask, holds, Time));
                    break;
                case QueueEffect.GiveUp order:
                    world.Tell($"q{Activation} gives job {order.Job} attempt {order.Attempt} up: {order.Why}");
                    Call<JobSnapshot?>(reply => reply(world.Jobs.WorkerLost(order.Job, order.Attempt, order.Why)), job => book.GaveUp(order, job, Time));
                    break;
                case QueueEffect.Check check:
                    Check(check);
                    break;
            }
        }
    }

    private void Dispatch(QueueEffect.Dispatch dispatch)
    {
        var taken = world.Jobs[dispatch.Job];
        world.Tell($"q{Activation} offers job {dispatch.Job} to {dispatch.Worker} as {dispatch.DispatchId}");
        // While messages are late the book's order is that of what it heard.
        foreach (var older in book.Snapshot().Waiting.Where(job => world.Settled && taken.Status == JobStatus.Queued).Where(job => job.Owner == taken.Owner && job.Image == taken.Image && job.QueuedAt < taken.QueuedAt))
            world.Fail($"job {dispatch.Job} was taken before job {older.Id} of the same owner, which waits longer");
        Call<RunResult?>(reply => Worker(dispatch.Worker).Take(dispatch.Job, dispatch.DispatchId, reply), result => book.Answered(dispatch, result, Time));
    }

    private void Check(QueueEffect.Check check)
    {
        var answered = false;
        world.Send(() =>
        {
            var found = world.Jobs.FindOpen(check.Job);
            world.Send(() => Once(() => book.Checked(check.Job, found, Time)));
        });
        world.At(TimeSpan.FromSeconds(2), () => Once(() => book.CheckFailed(check.Job, Time)));

        void Once(Action feed)
        {
            if (answered)
                return;
            answered = true;
            Feed(feed);
        }
    }

    /// <summary>A call with an answer, either of which may be lost; then the outcome is unknown after a while.</summary>
    private void Call<T>(Action<Action<T>> call, Action<T?> answered)
    {
        var over = false;
        world.Send(() => call(result => world.Send(() => Once(result))));
        world.At(TimeSpan.FromSeconds(5), () => Once(default));

        void Once(T? result)
        {
            if (over)
                return;
            over = true;
            Feed(() => answered(result));
        }
    }

    private SimWorker Worker(string name) => world.Workers.Single(worker => worker.Name == name);
}
