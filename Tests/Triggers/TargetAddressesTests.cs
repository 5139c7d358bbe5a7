using System.Net;
using Builds.Triggers;

namespace Builds.Tests.Triggers;

public sealed class TargetAddressesTests
{
    private static readonly IPAddress Own = IPAddress.Parse("198.41.0.4");

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("100.100.100.200")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("198.41.0.4")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::ffff:198.41.0.4")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::a00:1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("2002:a00:1::1")]
    [InlineData("2001:0:4136:e378:8000:63bf:3fff:fdd2")]
    [InlineData("2001:db8::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    [InlineData("4000::1")]
    public void What_is_inside_of_a_network_or_of_this_machine_is_refused(string address) =>
        Addresses("").Refusal(IPAddress.Parse(address)).ShouldNotBeNullOrEmpty();

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.15.0.1")]
    [InlineData("172.32.0.1")]
    [InlineData("100.63.0.1")]
    [InlineData("168.63.129.17")]
    [InlineData("223.255.255.1")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450::1")]
    [InlineData("::ffff:1.1.1.1")]
    [InlineData("64:ff9b::101:101")]
    [InlineData("2002:101:101::1")]
    public void What_is_public_is_not(string address) => Addresses("").Refusal(IPAddress.Parse(address)).ShouldBeNull();

    [Fact]
    public void An_operator_can_allow_some_in_whatever_form_they_come()
    {
        var addresses = Addresses("10.1.0.0/16, fd00:1::7,198.41.0.4");

        foreach (var allowed in new[] { "10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fd00:1::7", "198.41.0.4" })
            addresses.Refusal(IPAddress.Parse(allowed)).ShouldBeNull(allowed);
        foreach (var refused in new[] { "10.2.0.1", "fd00:1::8", "127.0.0.1" })
            addresses.Refusal(IPAddress.Parse(refused)).ShouldNotBeNull(refused);
    }

    [Theory]
    [InlineData("10.1.0.0/33")]
    [InlineData("example.org")]
    [InlineData("10.0.0.0/8 11.0.0.0/8")]
    public void A_setting_that_is_no_network_is_refused(string text)
    {
        var options = new TriggerOptions { AllowedAddresses = text };

        options.Validate(new(options)).ShouldHaveSingleItem().ErrorMessage.ShouldStartWith($"Builds:Triggers:AllowedAddresses has '{text}'");
    }

    private static TargetAddresses Addresses(string allowed) => new(new TriggerOptions { AllowedAddresses = allowed }.AllowedNetworks, () => new HashSet<IPAddress> { Own });
}
