using System.Buffers;
using System.Text;
using Builds.Logs.Masking;

namespace Builds.Logs;

/// <summary>
/// Hides secrets in what people may read: each place where a value stands, or a line of it, as it is or as tools usually write it
/// (<see cref="SecretForms"/>), becomes <c>***</c>; places that overlap or touch become one. Nothing else changes. What is shorter than
/// <see cref="Shortest"/> bytes is left alone, since it would be found everywhere, and so is what consists of blanks; line ends
/// behind a value do not belong to it. For any number of callers at the same time.
/// </summary>
public sealed class SecretMask
{
    /// <summary>In bytes, of a value or a line and of each form of it.</summary>
    public const int Shortest = 6;

    /// <summary>In bytes, of all values together: each costs up to some 600 bytes of memory while its build runs.</summary>
    public const int MostBytes = 256 * 1024;

    /// <summary>Hides nothing, and costs nothing.</summary>
    public static readonly SecretMask None = new(matcher: null);

    internal static ReadOnlySpan<byte> Stars => "***"u8;

    private readonly FormMatcher? matcher;

    private SecretMask(FormMatcher? matcher) => this.matcher = matcher;

    /// <param name="values">Secrets, UTF-8 or any bytes; not kept. The same one may come more than once.</param>
    /// <exception cref="ArgumentException">They have more than <see cref="MostBytes"/> together; the message tells no value.</exception>
    public static SecretMask Of(IEnumerable<ReadOnlyMemory<byte>> values)
    {
        var known = values.ToList();
        if (known.Sum(value => (long)value.Length) is var bytes and > MostBytes)
            throw new ArgumentException($"the secrets have {bytes} bytes together, and {MostBytes} is the most that can be kept out of logs", nameof(values));
        var forms = SecretForms.Of(known);
        return forms.Count == 0 ? None : new SecretMask(new FormMatcher(forms));
    }

    /// <summary>For one log from its begin to its end.</summary>
    public MaskedOutput Open() => new(matcher);

    /// <summary>For one text that is whole; the same instance if nothing in it is secret.</summary>
    public string Mask(string text)
    {
        if (matcher is null)
            return text;
        var output = Open();
        var masked = new ArrayBufferWriter<byte>(text.Length + 1);
        masked.Write(output.Write(Encoding.UTF8.GetBytes(text)).Span);
        masked.Write(output.Finish().Span);
        return output.HasHidden ? Encoding.UTF8.GetString(masked.WrittenSpan) : text;
    }
}
