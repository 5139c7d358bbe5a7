using Builds.Stores;

namespace Builds.Tests.Stores;

public sealed class StoreLocationTests
{
    [Fact]
    public void A_store_is_a_directory() => StoreLocation.Parse("/mnt/builds/").ShouldBe(new StoreLocation.Folder("/mnt/builds"));

    [Theory]
    [InlineData("s3://my-bucket.x", "my-bucket.x", "")]
    [InlineData("s3://bucket/", "bucket", "")]
    [InlineData("S3://bucket/builds/ci/", "bucket", "builds/ci")]
    public void Or_a_bucket_of_an_S3_service_with_a_prefix(string text, string name, string prefix) => StoreLocation.Parse(text).ShouldBe(new StoreLocation.Bucket(name, prefix));

    [Theory]
    [InlineData("", "the store has no name: give the path of a directory that every silo reaches, for example /mnt/builds, or s3://BUCKET/PREFIX.")]
    [InlineData("ftp://me:secret@host/x", "the store 'ftp://…' is of no kind that is known here. Give the path of a directory that every silo reaches, for example /mnt/builds, or s3://BUCKET/PREFIX.")]
    [InlineData("s3://key:secret@bucket/x", "the store s3://… is a bucket and a prefix and nothing else, for example s3://builds/ci: credentials come from the environment or the machine's role, and the service's address from Builds:Store:Endpoint.")]
    [InlineData("s3://B/x", "the store s3://B/x has no bucket of that name: 'B' must be 3 to 63 of a-z, 0-9, '.' and '-', with a letter or digit at both ends, for example s3://builds/ci.")]
    [InlineData("s3://bucket/../x", "the store s3://bucket/../x cannot have that prefix: '../x' must be parts of A-Z, a-z, 0-9, '.', '_' and '-' with a letter or digit first, joined by '/', at most 200 in all, for example s3://builds/ci.")]
    [InlineData("s3://bucket//x", "the store s3://bucket//x cannot have that prefix: '/x' must be parts of A-Z, a-z, 0-9, '.', '_' and '-' with a letter or digit first, joined by '/', at most 200 in all, for example s3://builds/ci.")]
    public void Anything_else_is_refused_with_what_to_do(string text, string refusal) =>
        Should.Throw<FormatException>(() => StoreLocation.Parse(text)).Message.ShouldBe(refusal);
}
