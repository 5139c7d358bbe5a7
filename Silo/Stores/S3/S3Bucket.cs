using System.Net;
using System.Runtime.InteropServices;
using Amazon.S3;
using Amazon.S3.Model;

namespace Builds.Stores.S3;

/// <summary>A bucket of an S3 service, by Amazon's library.</summary>
internal sealed class S3Bucket(StoreLocation.Bucket place, StoreOptions options, TimeProvider clock) : IBucket, IDisposable
{
    /// <summary>For one answer; a part of an artifact, which is larger, gets <see cref="PartPatience"/>.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static readonly TimeSpan PartPatience = TimeSpan.FromSeconds(60);

    private const string WriterField = "writer";
    private const int MostConflicts = 5;

    private readonly string prefix = place.Prefix.Length == 0 ? "" : place.Prefix + "/";
    private readonly Lazy<IAmazonS3> client = new(() => S3Client.Create(options), LazyThreadSafetyMode.PublicationOnly);

    public async Task<bool> PutNew(string key, ReadOnlyMemory<byte> content, string writer, CancellationToken cancellationToken)
    {
        // What is still being sent after a cancelled call must not change under it.
        var bytes = content.ToArray();
        for (var conflicts = 0; ; conflicts++)
        {
            try
            {
                await Ask(time => Store(key, bytes, writer, onlyNew: true, time), Patience, cancellationToken);
                return true;
            }
            catch (IOException error) when (StatusOf(error) == HttpStatusCode.PreconditionFailed)
            {
                return false;
            }
            catch (IOException error) when (StatusOf(error) == HttpStatusCode.Conflict && conflicts < MostConflicts)
            {
                // Somebody else writes the same key at this moment: neither has won yet.
            }
        }
    }

    public Task Put(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var bytes = content.ToArray();
        return Ask(time => Store(key, bytes, writer: null, onlyNew: false, time), Patience, cancellationToken);
    }

    public Task<FoundObject?> Find(string key, CancellationToken cancellationToken) => Ask<FoundObject?>(
        async time =>
        {
            try
            {
                var found = await client.Value.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = place.Name, Key = prefix + key }, time);
                return new FoundObject(found.ContentLength, found.Metadata[WriterField]);
            }
            catch (AmazonS3Exception error) when (IsMissing(error))
            {
                return null;
            }
        },
        Patience, cancellationToken);

    public Task<int?> Read(string key, long offset, Memory<byte> buffer, CancellationToken cancellationToken) => buffer.IsEmpty
        ? Task.FromResult<int?>(0)
        : Ask<int?>(
            async time =>
            {
                try
                {
                    using var answer = await client.Value.GetObjectAsync(
                        new GetObjectRequest { BucketName = place.Name, Key = prefix + key, ByteRange = new ByteRange(offset, offset + buffer.Length - 1) }, time);
                    var wanted = buffer[..(int)Math.Min(buffer.Length, answer.ContentLength)];
                    await answer.ResponseStream.ReadExactlyAsync(wanted, time);
                    return wanted.Length;
                }
                catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
                {
                    return 0;
                }
                catch (AmazonS3Exception error) when (IsMissing(error))
                {
                    return null;
                }
            },
            PartPatience, cancellationToken);

    public Task<ObjectPage> List(string prefix, string? after, CancellationToken cancellationToken) => Ask(
        async time =>
        {
            var page = await Page(prefix, after, delimiter: null, time);
            return new ObjectPage([.. (page.S3Objects ?? []).Select(found => new ListedObject(found.Key[this.prefix.Length..], found.Size ?? 0))], page.IsTruncated == true);
        },
        Patience, cancellationToken);

    public async Task<IReadOnlyList<string>> Folders(string prefix, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        for (string? after = null; ;)
        {
            var page = await Ask(time => Page(prefix, after, "/", time), Patience, cancellationToken);
            names.AddRange((page.CommonPrefixes ?? []).Select(found => found[(this.prefix.Length + prefix.Length)..^1]));
            if (page.IsTruncated != true)
                return [.. names.Distinct()];
            // Behind everything of the last folder: '0' follows '/'.
            var last = new[] { page.CommonPrefixes is [.., var folder] ? folder[..^1] + "0" : "", page.S3Objects is [.., var plain] ? plain.Key : "" }.Max(StringComparer.Ordinal)!;
            after = last[this.prefix.Length..];
        }
    }

    public Task Delete(IReadOnlyList<string> keys, CancellationToken cancellationToken) => keys.Count == 0
        ? Task.CompletedTask
        : Ask(
            time => client.Value.DeleteObjectsAsync(
                new DeleteObjectsRequest { BucketName = place.Name, Objects = [.. keys.Select(key => new KeyVersion { Key = prefix + key })], Quiet = true }, time),
            PartPatience, cancellationToken);

    public Task<string> BeginUpload(string key, CancellationToken cancellationToken) => Ask(
        async time => (await client.Value.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = place.Name, Key = prefix + key }, time)).UploadId,
        Patience, cancellationToken);

    public Task<string> PutPart(string key, string upload, int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Ask(
        async time =>
        {
            using var body = Body(content);
            var answer = await client.Value.UploadPartAsync(
                new UploadPartRequest { BucketName = place.Name, Key = prefix + key, UploadId = upload, PartNumber = number, InputStream = body, PartSize = content.Length, UseChunkEncoding = false, DisablePayloadSigning = false },
                time);
            return answer.ETag;
        },
        PartPatience, cancellationToken);

    public Task<bool> CompleteUpload(string key, string upload, IReadOnlyList<string> parts, CancellationToken cancellationToken) => Ask(
        async time =>
        {
            try
            {
                await client.Value.CompleteMultipartUploadAsync(
                    new CompleteMultipartUploadRequest { BucketName = place.Name, Key = prefix + key, UploadId = upload, PartETags = [.. parts.Select((tag, index) => new PartETag(index + 1, tag))] }, time);
                return true;
            }
            catch (AmazonS3Exception error) when (error.ErrorCode is "NoSuchUpload" or "InvalidPart" or "InvalidPartOrder")
            {
                return false;
            }
        },
        PartPatience, cancellationToken);

    public Task AbortUpload(string key, string upload, CancellationToken cancellationToken) => Ask(
        async time =>
        {
            try
            {
                await client.Value.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = place.Name, Key = prefix + key, UploadId = upload }, time);
            }
            catch (AmazonS3Exception error) when (error.ErrorCode == "NoSuchUpload")
            {
                // Nothing is left to be dropped.
            }

            return true;
        },
        Patience, cancellationToken);

    /// <summary>An address under which anybody gets the object for a while, as a file of that name.</summary>
    public Task<Uri> Sign(string key, string fileName, TimeSpan lasts, CancellationToken cancellationToken) => Ask(
        async _ => new Uri(await client.Value.GetPreSignedURLAsync(new GetPreSignedUrlRequest
        {
            BucketName = place.Name,
            Key = prefix + key,
            Verb = HttpVerb.GET,
            Expires = clock.GetUtcNow().UtcDateTime + lasts,
            Protocol = client.Value.Config.ServiceURL?.StartsWith("http:", StringComparison.Ordinal) == true ? Protocol.HTTP : Protocol.HTTPS,
            ResponseHeaderOverrides = new ResponseHeaderOverrides { ContentType = "application/octet-stream", ContentDisposition = $"attachment; filename*=UTF-8''{Uri.EscapeDataString(fileName)}" },
        })),
        Patience, cancellationToken);

    public void Dispose()
    {
        if (client.IsValueCreated)
            client.Value.Dispose();
    }

    public override string ToString() => place.ToString();

    private async Task<PutObjectResponse> Store(string key, ReadOnlyMemory<byte> content, string? writer, bool onlyNew, CancellationToken cancellationToken)
    {
        using var body = Body(content);
        var request = new PutObjectRequest { BucketName = place.Name, Key = prefix + key, InputStream = body, UseChunkEncoding = false, DisablePayloadSigning = false };
        if (onlyNew)
            request.IfNoneMatch = "*";
        if (writer is not null)
            request.Metadata[WriterField] = writer;
        return await client.Value.PutObjectAsync(request, cancellationToken);
    }

    private Task<ListObjectsV2Response> Page(string prefix, string? after, string? delimiter, CancellationToken cancellationToken) => client.Value.ListObjectsV2Async(
        new ListObjectsV2Request { BucketName = place.Name, Prefix = this.prefix + prefix, StartAfter = after is null ? null : this.prefix + after, Delimiter = delimiter }, cancellationToken);

    /// <summary>Bounds one call, and says in our words what went wrong.</summary>
    private async Task<T> Ask<T>(Func<CancellationToken, Task<T>> call, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(patience, clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            // The library takes long to notice, where it waits for credentials or a name.
            return await call(end.Token).WaitAsync(end.Token);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the S3 service of {place} does not answer within {patience.TotalSeconds} s", error);
        }
        catch (Exception error) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException($"the S3 service of {place} is not asked any longer", error, cancellationToken);
        }
        catch (Exception error) when (S3Mistakes.IsOfService(error))
        {
            throw S3Mistakes.Of(error, place, options);
        }
    }

    /// <summary>Of an object. A missing bucket is a mistake of the store as a whole, where the answer tells them apart.</summary>
    private static bool IsMissing(AmazonS3Exception error) => error.StatusCode == HttpStatusCode.NotFound && error.ErrorCode != "NoSuchBucket";

    private static HttpStatusCode? StatusOf(IOException error) => (error.InnerException as AmazonS3Exception)?.StatusCode;

    private static MemoryStream Body(ReadOnlyMemory<byte> content) => MemoryMarshal.TryGetArray(content, out var array)
        ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
        : new MemoryStream(content.ToArray(), writable: false);
}
