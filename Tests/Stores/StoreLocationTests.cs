using Builds.Stores;

namespace Builds.Tests.Stores;

public sealed class StoreLocationTests
{
    [Theory]
    [InlineData("/mnt/builds/", "/mnt/builds")]
    [InlineData("s3://some-bucket", "s3://some-bucket/")]
    [InlineData("s3://some-bucket/ci/one/", "s3://some-bucket/ci/one/")]
    public void A_store_is_a_directory_or_a_bucket(string text, string read) => StoreLocation.Parse(text).ToString().ShouldBe(read);

    [Theory]
    [InlineData("", "the store has no name: give a directory, for example /mnt/builds, or s3://bucket/prefix.")]
    [InlineData("nfs://host/dir", "the store 'nfs://host/dir' is neither a directory nor a bucket: give a path, for example /mnt/builds, or s3://bucket/prefix.")]
    [InlineData("s3://", "the store 's3://' names the bucket '': it must have 3 to 63 of a-z, 0-9, '-' and '.', as in s3://bucket/prefix.")]
    [InlineData("s3://Bucket/x", "the store 's3://Bucket/x' names the bucket 'Bucket': it must have 3 to 63 of a-z, 0-9, '-' and '.', as in s3://bucket/prefix.")]
    [InlineData("s3://bucket/a/../b", "the store 's3://bucket/a/../b' has the prefix 'a/../b': its parts must be neither empty nor '.' nor '..', as in s3://bucket/prefix.")]
    public void Anything_else_is_refused_with_what_to_do(string text, string refusal) =>
        Should.Throw<FormatException>(() => StoreLocation.Parse(text)).Message.ShouldBe(refusal);
}
