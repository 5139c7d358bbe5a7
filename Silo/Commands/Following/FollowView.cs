using System.Text;
using Spectre.Console;

namespace Builds.Commands.Following;

/// <summary>
/// Logs with headings and timings on standard output. On a terminal in colour, with a line at the bottom that says what goes on; else
/// plain lines.
/// </summary>
internal sealed class FollowView : IDisposable
{
    private readonly bool isTerminal;
    private readonly TimeProvider clock;
    private readonly LineStream output;
    private readonly long began;
    private long sectionBegan;
    private string section = "";
    private bool hasStatusLine;

    public FollowView(TimeProvider clock)
        : this(clock, Console.OpenStandardOutput(), !Console.IsOutputRedirected)
    {
    }

    /// <param name="isTerminal">Whether <paramref name="output"/> is the console's terminal.</param>
    public FollowView(TimeProvider clock, Stream output, bool isTerminal)
    {
        this.clock = clock;
        this.isTerminal = isTerminal;
        began = sectionBegan = clock.GetTimestamp();
        this.output = new LineStream(output, ClearStatusLine);
    }

    /// <summary>False for what ended before we looked: how long that took is not known.</summary>
    public bool IsTimed { get; set; } = true;

    /// <summary>Where log bytes go, as they are.</summary>
    public Stream Output => output;

    /// <summary>Begins a section.</summary>
    public void Start(string title)
    {
        (section, sectionBegan) = (title, clock.GetTimestamp());
        Line($"== {title}", "bold blue");
    }

    /// <summary>Ends the section of a task.</summary>
    public void End(string status) => Line($"-- {status}{Timing(sectionBegan)}", Colour(status));

    public void Say(string text) => Line($"== {text}", "bold blue");

    public void Finish(FollowedState job)
    {
        ClearStatusLine();
        var reason = job.Reason is null ? "" : $" ({job.Reason})";
        var detail = job.Detail is null ? "" : $": {job.Detail}";
        Line($"== job {job.Id}: {job.Status}{reason}{Timing(began)}{detail}", Colour(job.Status));
    }

    /// <summary>Nothing new at the moment.</summary>
    public void Wait(FollowedState job)
    {
        // In the midst of a line there is no room for it.
        if (!isTerminal || !output.IsAtLineStart)
            return;
        ClearStatusLine();
        var what = job.Attempt == 0 ? job.Status : section;
        AnsiConsole.Markup($"[grey]{Markup.Escape($"{what}, {Elapsed(sectionBegan)}")}[/]");
        hasStatusLine = true;
    }

    public void Dispose()
    {
        ClearStatusLine();
        output.Dispose();
    }

    private string Timing(long since) => IsTimed ? $", {Elapsed(since)}" : "";

    private string Elapsed(long since) => $"{clock.GetElapsedTime(since).TotalSeconds:0.0} s";

    private void Line(string text, string style)
    {
        ClearStatusLine();
        if (!output.IsAtLineStart)
            output.Write("\n"u8);
        if (isTerminal)
            AnsiConsole.MarkupLine($"[{style}]{Markup.Escape(text)}[/]");
        else
            output.Write(Encoding.UTF8.GetBytes(text + "\n"));
    }

    private void ClearStatusLine()
    {
        if (hasStatusLine)
            Console.Out.Write("\r\u001b[K");
        hasStatusLine = false;
    }

    private static string Colour(string status) => status switch
    {
        "success" => "green",
        "failed" => "red",
        _ => "yellow",
    };

    /// <summary>Passes bytes on and knows whether the last one ended a line.</summary>
    private sealed class LineStream(Stream inner, Action before) : Stream
    {
        public bool IsAtLineStart { get; private set; } = true;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (buffer.IsEmpty)
                return;
            before();
            inner.Write(buffer);
            IsAtLineStart = buffer[^1] == (byte)'\n';
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
