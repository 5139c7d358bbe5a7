namespace Builds.Tests;

/// <summary>For who only asks on which silo he is.</summary>
internal sealed class FakeSiloDetails(SiloAddress address) : ILocalSiloDetails
{
    public SiloAddress SiloAddress => address;
    public string Name => throw new NotSupportedException();
    public string ClusterId => throw new NotSupportedException();
    public string DnsHostName => throw new NotSupportedException();
    public SiloAddress GatewayAddress => throw new NotSupportedException();
}
