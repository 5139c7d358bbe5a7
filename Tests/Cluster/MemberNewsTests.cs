using System.Collections.Immutable;
using System.Net;
using System.Threading.Channels;
using Builds.Cluster;
using Microsoft.Extensions.Logging;

namespace Builds.Tests.Cluster;

/// <summary>What operators read in a silo's log about the other ones.</summary>
public sealed class MemberNewsTests
{
    [Fact]
    public async Task Silos_that_come_leave_and_fail_are_told_once_and_with_their_names()
    {
        var membership = new Membership();
        var log = new Lines();
        using var news = new MemberNews(membership, new FakeSiloDetails(Address(1)), log);
        await news.StartAsync(default);

        membership.Show((1, SiloStatus.Active), (2, SiloStatus.Active), (3, SiloStatus.Dead));
        membership.Show((1, SiloStatus.Active), (2, SiloStatus.Active), (3, SiloStatus.Dead), (4, SiloStatus.Joining));
        membership.Show((1, SiloStatus.Active), (2, SiloStatus.ShuttingDown), (4, SiloStatus.Active));
        membership.Show((1, SiloStatus.Active), (2, SiloStatus.Dead), (4, SiloStatus.Active));
        membership.Show((1, SiloStatus.Dead), (2, SiloStatus.Dead), (4, SiloStatus.Dead));
        membership.Show((1, SiloStatus.Dead), (2, SiloStatus.Dead), (4, SiloStatus.Dead));
        membership.End();
        await news.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(60));

        log.ShouldBe([
            "Information: Silo s2 at 127.0.0.1:1002 is in the cluster",
            "Information: Silo s4 at 127.0.0.1:1004 is in the cluster",
            "Information: Silo s2 has left the cluster",
            "Warning: Silo s4 at 127.0.0.1:1004 is gone without a word",
        ]);
    }

    private static SiloAddress Address(int number) => SiloAddress.New(IPAddress.Loopback, 1000 + number, number);

    private sealed class Membership : IClusterMembershipService
    {
        private readonly Channel<ClusterMembershipSnapshot> updates = Channel.CreateUnbounded<ClusterMembershipSnapshot>();
        private int version;

        public ClusterMembershipSnapshot CurrentSnapshot => throw new NotSupportedException();

        public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => updates.Reader.ReadAllAsync();

        public void Show(params (int Number, SiloStatus Status)[] silos) => updates.Writer.TryWrite(new ClusterMembershipSnapshot(
            silos.ToImmutableDictionary(silo => Address(silo.Number), silo => new ClusterMember(Address(silo.Number), silo.Status, $"s{silo.Number}")),
            new MembershipVersion(++version))).ShouldBeTrue();

        public void End() => updates.Writer.Complete();

        public ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<bool> TryKill(SiloAddress siloAddress) => throw new NotSupportedException();
    }

    private sealed class Lines : List<string>, ILogger<MemberNews>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Add($"{logLevel}: {formatter(state, exception)}");
    }
}
