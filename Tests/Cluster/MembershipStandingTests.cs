using System.Collections.Immutable;
using System.Net;
using Builds.Cluster;
using Builds.Tests.Tls;
using Builds.Workers;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Builds.Tests.Cluster;

/// <summary>What a silo reads in the membership table about itself.</summary>
public sealed class MembershipStandingTests
{
    private static readonly SiloAddress Self = SiloAddress.New(IPAddress.Loopback, 1001, 1);

    [Fact]
    public async Task A_silo_that_reads_that_it_is_dead_makes_Orleans_read_it_too()
    {
        var table = new SharedMembership();
        await Write(table, SiloStatus.Active);
        var membership = new Membership();
        var clock = new TestClock(Some.Time);
        using var standing = new MembershipStanding(
            table, new FakeSiloDetails(Self), membership, null!, new StandingClock(), clock, Options.Create(new LeaseOptions()), NullLogger<MembershipStanding>.Instance);
        var looks = clock.SomebodyWaits(new LeaseOptions().Membership / 6);
        await standing.StartAsync(default);
        await looks;

        await Write(table, SiloStatus.Dead);
        clock.Advance(new LeaseOptions().Membership);

        (await membership.Asked.Task.WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe(new MembershipVersion(2), "Orleans is to read at least what was read here");
        await standing.StopAsync(default);
    }

    private static async Task Write(SharedMembership table, SiloStatus status)
    {
        var entry = new MembershipEntry { SiloAddress = Self, SiloName = "s1", Status = status };
        var (row, version) = await table.ReadRow(Self) is var read && read.TryGet(Self) is { } known ? (known.Item2, read.Version.Next()) : (null, read.Version.Next());
        (await (row is null ? table.InsertRow(entry, version) : table.UpdateRow(entry, row, version))).ShouldBeTrue();
    }

    private sealed class Membership : IClusterMembershipService
    {
        public TaskCompletionSource<MembershipVersion> Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ClusterMembershipSnapshot CurrentSnapshot { get; } = new(ImmutableDictionary<SiloAddress, ClusterMember>.Empty, new MembershipVersion(1));

        public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => throw new NotSupportedException();

        public ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default)
        {
            Asked.TrySetResult(minimumVersion);
            return ValueTask.CompletedTask;
        }

        public Task<bool> TryKill(SiloAddress siloAddress) => throw new NotSupportedException();
    }

    private sealed class StandingClock : IBootClock
    {
        public TimeSpan Now => TimeSpan.Zero;
    }
}
