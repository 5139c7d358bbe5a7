using System.ComponentModel;
using System.Globalization;
using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>
/// Makes the images of the settings and the known ones when the first build wants one: once for all that wait for it, and to its end when they do
/// not wait any longer.
/// </summary>
internal sealed partial class ImageBringer(ImageStore store, GuardProgram program, TimeProvider clock, ILogger<ImageBringer> logger) : IAsyncDisposable
{
    /// <summary>A registry that sends nothing must not be waited for by every build for ever.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30);

    /// <summary>How long a failure is the answer to other builds too: a registry that is down is asked no more often.</summary>
    public static readonly TimeSpan FailureHolds = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Bringing> _bringings = [];
    private readonly CancellationTokenSource _ending = new();
    private bool _ended;

    /// <summary>Waits for an image that is not made yet, and is told what happens meanwhile. No image: why not, the first line in one sentence.</summary>
    public async Task<(Image? Image, string? Why)> Bring(OfferedImage offer, SandboxMachine machine, Func<string, ValueTask> say, CancellationToken cancellationToken)
    {
        var bringing = Begin(offer, machine, out var since);
        await bringing.Follow(say, cancellationToken);
        var (image, why) = await bringing.End;
        return (image, since is null ? why : string.Create(CultureInfo.InvariantCulture, $"{why}\nThat was {since.Value.TotalSeconds:0} s ago; a build that comes {FailureHolds.TotalSeconds:0} s after it tries again"));
    }

    /// <summary>Stops what is being made, and waits for that. A repeat does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        List<Task> last;
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
            last = [.. _bringings.Values.Select(bringing => bringing.End)];
        }
        await _ending.CancelAsync();
        await Task.WhenAll(last).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    /// <param name="offer">What is to be made.</param>
    /// <param name="machine">Where.</param>
    /// <param name="since">How long ago it failed, if that still holds.</param>
    private Bringing Begin(OfferedImage offer, SandboxMachine machine, out TimeSpan? since)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            since = null;
            if (_bringings.TryGetValue(offer.Name, out var known))
            {
                if (known.Ended is not { } ended) return known;
                since = clock.GetElapsedTime(ended);
                if (since < FailureHolds) return known;
                since = null;
            }
            var bringing = _bringings[offer.Name] = new Bringing();
            bringing.End = Task.Run(() => Make(offer, machine, bringing));
            return bringing;
        }
    }

    private async Task<(Image? Image, string? Why)> Make(OfferedImage offer, SandboxMachine machine, Bringing bringing)
    {
        using var limit = new CancellationTokenSource(Longest, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _ending.Token);
        var began = clock.GetTimestamp();
        string why;
        try
        {
            var image = await new ImageMaker(store, machine, program, bringing.Say).Bring(offer, clock.GetUtcNow(), either.Token);
            LogBrought(image.Name, image.Source, clock.GetElapsedTime(began));
            // From now on it is in the store.
            lock (_gate) _bringings.Remove(offer.Name);
            return (image, null);
        }
        catch (Exception e) when (e is IOException or Win32Exception or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            why = e.Message;
        }
        catch (OperationCanceledException)
        {
            why = _ending.IsCancellationRequested ? "this silo ends" : string.Create(CultureInfo.InvariantCulture, $"it took longer than {Longest.TotalMinutes:0} minutes");
        }
        LogNotBrought(offer.Name, why);
        lock (_gate) bringing.Ended = clock.GetTimestamp();
        return (null, why);
    }

    [LoggerMessage(EventId = 1630, Level = LogLevel.Information, Message = "Image {Image} was made of {Source} for the first build that wants it, in {Elapsed}")]
    private partial void LogBrought(string image, string source, TimeSpan elapsed);

    [LoggerMessage(EventId = 1631, Level = LogLevel.Warning, Message = "Image {Image} could not be made for a build that wants it: {Why}")]
    private partial void LogNotBrought(string image, string why);

    /// <summary>One making, which any number of builds follow.</summary>
    private sealed class Bringing
    {
        private readonly Lock _lines = new();
        private readonly List<string> _said = [];
        private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<(Image? Image, string? Why)> End { get; set; } = null!;

        /// <summary>When it failed; null: it did not.</summary>
        public long? Ended { get; set; }

        public void Say(string line)
        {
            lock (_lines)
            {
                _said.Add(line);
                _news.SetResult();
                _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        /// <summary>Tells everything from the beginning to the end.</summary>
        public async Task Follow(Func<string, ValueTask> say, CancellationToken cancellationToken)
        {
            for (var told = 0; ;)
            {
                List<string> fresh;
                Task news;
                // Asked first: nothing is said after the end.
                var ended = End.IsCompleted;
                lock (_lines) (fresh, news) = (_said[told..], _news.Task);
                foreach (var line in fresh) await say(line);
                told += fresh.Count;
                if (ended) return;
                if (fresh.Count == 0) await Task.WhenAny(news, End).WaitAsync(cancellationToken);
            }
        }
    }
}
