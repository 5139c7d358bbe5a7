using System.Collections.Concurrent;
using Builds.Triggers;

namespace Builds.Tests.Triggers;

/// <summary>Webhooks that go nowhere: each does what <see cref="Script"/> says, by default it is delivered.</summary>
internal sealed class FakeSender : ITriggerSender
{
    public ConcurrentQueue<TriggerOrder> Orders { get; } = [];

    public Func<TriggerOrder, CancellationToken, Task<TriggerOutcome>> Script { get; set; } = (_, _) => Task.FromResult<TriggerOutcome>(new TriggerOutcome.Delivered(200));

    public string Action => "webhook";

    public string Place(TriggerOrder order) => order.Setting("url")!;

    public Task<TriggerOutcome> Send(TriggerOrder order, CancellationToken cancellationToken)
    {
        Orders.Enqueue(order);
        return Script(order, cancellationToken);
    }

    /// <summary>Never answers, and does not hear that its time is over either.</summary>
    public static Task<TriggerOutcome> Hang(TriggerOrder order, CancellationToken cancellationToken) => new TaskCompletionSource<TriggerOutcome>().Task;
}
