using System.Collections.Concurrent;

namespace Builds.Tests;

/// <summary>What becomes of a call between grains.</summary>
public enum CallFate
{
    Delivered,
    /// <summary>It never arrives; its caller gets an error.</summary>
    RequestLost,
    /// <summary>It is carried out; its caller gets an error.</summary>
    AnswerLost,
}

/// <summary>The network between grains, with the losses that a test asks for.</summary>
public sealed class FakeCalls : IIncomingGrainCallFilter
{
    private readonly ConcurrentDictionary<IIncomingGrainCallContext, string> underWay = new(ReferenceEqualityComparer.Instance);

    /// <summary>By interface and method, for example <c>IJobGrain.Claim</c>; asked once per call.</summary>
    public Func<string, CallFate> Fate { get; set; } = _ => CallFate.Delivered;

    /// <summary>What happens before a call is carried out, for example a wait.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>True while a worker can renew its lease.</summary>
    internal bool HeartbeatsArrive { get; set; } = true;

    /// <summary>Every heartbeat is lost, until <see cref="Heal"/>.</summary>
    public void Silence()
    {
        HeartbeatsArrive = false;
        Fate = call => call == "IQueueGrain.Heartbeat" ? CallFate.RequestLost : CallFate.Delivered;
    }

    /// <summary>Every call arrives again.</summary>
    public void Heal()
    {
        Fate = _ => CallFate.Delivered;
        HeartbeatsArrive = true;
    }

    /// <summary>This call is lost once, everything else arrives.</summary>
    public void LoseOnce(string call, CallFate fate)
    {
        var left = 1;
        Fate = name => name == call && Interlocked.Exchange(ref left, 0) == 1 ? fate : CallFate.Delivered;
    }

    /// <summary>The calls that are being carried out now; a reader that waits for a change is none.</summary>
    internal string[] UnderWay => [.. underWay.Values];

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var call = $"{context.InterfaceMethod.DeclaringType!.Name}.{context.InterfaceMethod.Name}";
        if (call != "IJobGrain.WaitForChange")
            underWay[context] = call;
        try
        {
            await Deliver(context, call);
        }
        finally
        {
            underWay.TryRemove(context, out _);
        }
    }

    private async Task Deliver(IIncomingGrainCallContext context, string call)
    {
        var fate = Fate(call);
        if (fate == CallFate.RequestLost)
            throw new TimeoutException($"the test said that this call is lost: {call}");
        await Before(call);
        await context.Invoke();
        if (fate == CallFate.AnswerLost)
            throw new TimeoutException($"the test said that the answer to this call is lost: {call}");
    }
}
