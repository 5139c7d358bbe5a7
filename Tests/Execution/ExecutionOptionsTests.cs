namespace Builds.Execution;

/// <summary>Settings that are refused at the start, since builds would be less confined with them than their writer meant.</summary>
public sealed class ExecutionOptionsTests
{
    [Theory]
    [InlineData("10.1.2.3/33")]
    [InlineData("10.1.2")]
    [InlineData("10.1.2.3 10.1.2.4")]
    [InlineData("fd00::7")]
    [InlineData("::ffff:10.1.2.3")]
    [InlineData("db.example.org")]
    public void What_is_no_address_or_network_is_refused_by_name(string text)
    {
        Mistake(new ExecutionOptions { RefusedAddresses = $"10.0.0.0/8, {text}" }).ShouldStartWith($"Builds:Execution:RefusedAddresses has '{text}'");
        Mistake(new ExecutionOptions { AllowedAddresses = $"{text},10.1.2.3" }).ShouldStartWith($"Builds:Execution:AllowedAddresses has '{text}'");
    }

    [Theory]
    [InlineData("10.231.0/16")]
    [InlineData("10.300.0.0/16")]
    [InlineData("10.231.0.0/20")]
    public void Networks_must_be_one_and_hold_all_users(string text) =>
        Mistake(new ExecutionOptions { Networks = text, UserCount = 1025 }).ShouldStartWith($"Builds:Execution:Networks has '{text}'");

    [Fact]
    public void Others_are_taken() =>
        new ExecutionOptions { RefusedAddresses = "10.1.2.3, 10.2.0.0/16,", AllowedAddresses = "", Networks = "10.231.0.0/20", UserCount = 1024 }.Validate(null!).ShouldBeEmpty();

    private static string Mistake(ExecutionOptions options) => options.Validate(null!).ShouldHaveSingleItem().ErrorMessage!;
}
