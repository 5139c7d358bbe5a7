namespace Builds.Tests.Stores.S3;

/// <summary><c>s3</c>: the S3 server of the tests and the door before it, to try a store by hand; says how, and goes on until it is killed.</summary>
internal static class S3Program
{
    public static async Task<int> Run()
    {
        await using var door = await S3Door.Open();
        Console.WriteLine($"export Builds__Store__Endpoint={door.Options.Endpoint} Builds__Store__ForcePathStyle=true AWS_ACCESS_KEY_ID={S3Server.AccessKey} AWS_SECRET_ACCESS_KEY={S3Server.SecretKey}");
        Console.WriteLine($"# --store s3://{S3Server.Bucket}/ci");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }
}
