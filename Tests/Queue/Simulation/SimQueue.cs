using Builds.Queue;
using Builds.Workers;

namespace Builds.Tests.Queue.Simulation;

/// <summary>One activation of the queue: the book itself, fed as the grain feeds it.</summary>
public sealed class SimQueue
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5), LongWindow = TimeSpan.FromMinutes(1), CallTimeout = TimeSpan.FromSeconds(5);
    private readonly SimWorld world;
    private readonly QueueOptions options;
    private readonly QueueBook book;
    private readonly TimeSpan born;
    private readonly string pool;
    private TimeSpan? lastLong, lastFull;
    private bool due;

    public SimQueue(SimWorld world, SimProcess process, string pool, int activation)
    {
        this.world = world;
        this.pool = pool;
        Process = process;
        Activation = activation;
        born = world.Now;
        options = SimPlan.Options(world.Plan.OwnerLimit);
        var dispatches = 0;
        var first = new QueueTime(TimeSpan.Zero, world.Wall);
        book = new QueueBook(world.Plan.Bug == SimBug.ActivationTrusted ? SimPlan.TrustingLease : SimPlan.Lease, options, SimPlan.JobTimeout, first, process, () => $"q{activation}-{++dispatches}");
    }

    public SimProcess Process { get; }
    public int Activation { get; }

    private QueueTime Time => new(world.Now - born, world.Wall);

    public void Start()
    {
        world.Tell($"q{Activation} of pool {pool} begins at {Process.Silo.Name}");
        Beat();
    }

    public void Hint(JobHint hint)
    {
        book.Hint(hint, Time);
        Act();
    }

    public HeartbeatAnswer Heartbeat(Heartbeat beat)
    {
        var answer = book.Heartbeat(beat, Time);
        Act();
        return answer;
    }

    private void Beat()
    {
        if (Process.Dead)
            return;
        // Timers of a frozen process come once when it thaws, not as often as they would have.
        if (!due)
        {
            due = true;
            Process.Do(() =>
            {
                due = false;
                book.Tick(Time);
                Act();
                Reconcile();
            });
        }

        world.At(options.Reconcile, Beat);
    }

    private void Reconcile()
    {
        if (world.Plan.Bug == SimBug.HintLostForEver && lastFull is not null)
            return;
        var isFull = lastFull is null || world.Now - lastFull >= options.FullReconcile;
        var isLong = lastLong is null || world.Now - lastLong >= Window;
        world.CallJob(Process, () =>
        {
            var open = isFull ? world.Jobs.OpenIn(pool) : world.Jobs.QueuedSince(pool, world.Wall - (isLong ? LongWindow : Window));
            // The reading takes a while: what it says is older than what the book may know by then.
            world.Send(() => Process.Do(() =>
            {
                lastFull = isFull ? world.Now : lastFull;
                lastLong = isFull || isLong ? world.Now : lastLong;
                if (isFull)
                    book.BeginPass();
                book.Reconcile(open, Time);
                if (isFull)
                    book.EndPass(Time);
                Act();
            }));
        });
    }

    private void Act()
    {
        foreach (var effect in book.TakeEffects())
        {
            switch (effect)
            {
                case QueueEffect.Dispatch dispatch:
                    world.Tell($"q{Activation} offers job {dispatch.Job} to {dispatch.Worker} as {dispatch.DispatchId}");
                    CallWorker<RunResult?>(dispatch.Worker, (worker, reply) => worker.Take(dispatch.Job, dispatch.DispatchId, reply), result => book.Answered(dispatch, result, Time));
                    break;
                case QueueEffect.Ask ask:
                    CallWorker<bool?>(ask.Worker, (worker, reply) => worker.Holds(ask.Job, ask.Attempt, ask.Incarnation, reply), holds => book.Asked(ask, holds, Time));
                    break;
                case QueueEffect.GiveUp order:
                    world.Tell($"q{Activation} gives job {order.Job} attempt {order.Attempt} up: {order.Why}");
                    CallJob(() => world.Jobs.WorkerLost(order.Job, order.Attempt, order.Why), job => book.GaveUp(order, job, Time), () => book.GaveUp(order, null, Time));
                    break;
                case QueueEffect.Check check:
                    CallJob(() => world.Jobs.FindOpen(check.Job), found => book.Checked(check.Job, found, Time), () => book.CheckFailed(check.Job, Time));
                    break;
            }
        }
    }

    private void CallWorker<T>(string name, Action<SimWorker, Action<T>> call, Action<T?> answered)
    {
        var once = new SimCall(world, Process, CallTimeout, () => Feed(() => answered(default)));
        SimProcess? target = null;
        foreach (var silo in world.Silos)
            target = silo.Name == name ? silo.Process : target;
        world.Send(Process, target!, () => call(target!.Worker, result => world.Send(target, Process, () => once.Answer(() => Feed(() => answered(result))))));
    }

    private void CallJob<T>(Func<T> call, Action<T> answered, Action unknown)
    {
        var once = new SimCall(world, Process, CallTimeout, () => Feed(unknown));
        world.CallJob(Process, () =>
        {
            var result = call();
            world.Send(() => Process.Do(() => once.Answer(() => Feed(() => answered(result)))));
        });
    }

    private void Feed(Action feed)
    {
        feed();
        Act();
    }
}

/// <summary>A call that is answered once: by its answer, or by the end of the wait for it, and then the outcome is unknown.</summary>
public sealed class SimCall
{
    private bool over;

    public SimCall(SimWorld world, SimProcess caller, TimeSpan timeout, Action unknown) =>
        world.At(timeout, () =>
        {
            if (!over)
                caller.Do(() => Answer(unknown));
        });

    public void Answer(Action then)
    {
        if (over)
            return;
        over = true;
        then();
    }
}
