using Builds.Stores;

namespace Builds.Tests.Stores;

public sealed class StoreLocationTests
{
    [Fact]
    public void A_store_is_a_directory() => StoreLocation.Parse("/mnt/builds/").ShouldBe(new StoreLocation.Folder("/mnt/builds"));

    [Theory]
    [InlineData("", "the store has no name: give the path of a directory that every silo reaches, for example /mnt/builds.")]
    [InlineData("s3://bucket/x", "the store 's3://bucket/x' is no directory: logs and artifacts are kept in files only. Give the path of a directory that every silo reaches, for example /mnt/builds.")]
    public void Anything_else_is_refused_with_what_to_do(string text, string refusal) =>
        Should.Throw<FormatException>(() => StoreLocation.Parse(text)).Message.ShouldBe(refusal);
}
