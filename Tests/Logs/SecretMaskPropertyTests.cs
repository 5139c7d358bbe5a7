using System.Text;
using Builds.Logs;
using Builds.Logs.Masking;
using CsCheck;

namespace Builds.Tests.Logs;

/// <summary>Random secrets in random output, beside a slow way to hide them that is easy to see through.</summary>
public sealed class SecretMaskPropertyTests
{
    private const int TextsEach = 100;

    // Few letters make secrets that overlap each other and themselves.
    private static readonly Gen<byte[]> Few = Of("ab").Array[6, 20];

    private static readonly Gen<byte[]> Printed = Of("abcXYZ019 '\"\\$`~#%+/=-_.!*()&\té\n").Array[6, 40];

    private static readonly Gen<byte[]> Secret = Gen.Frequency((2, Few), (3, Printed), (1, Gen.Byte.Array[6, 60]));

    /// <summary>What a text is made of; numbers from 0 to 1 choose.</summary>
    private sealed record Part(int Kind, double Which, double From, double To, byte[] Noise);

    private static readonly Gen<Part> AnyPart =
        Gen.Select(Gen.Int[0, 5], Gen.Double.Unit, Gen.Double.Unit, Gen.Double.Unit, Gen.Frequency((1, Few), (1, Printed), (1, Gen.Byte.Array[0, 30])))
            .Select((kind, which, from, to, noise) => new Part(kind, which, from, to, noise));

    private static readonly Gen<(Part[] Parts, double[] Cuts)> AnyText = Gen.Select(AnyPart.Array[1, 8], Gen.Double.Unit.Array[0, 12]);

    [Fact]
    public void In_100_000_texts_all_that_is_secret_is_hidden_and_nothing_else() =>
        Gen.Select(Secret.Array[1, 3], AnyText.Array[TextsEach]).Sample((secrets, texts) =>
        {
            var values = secrets.Select(secret => (ReadOnlyMemory<byte>)secret).ToArray();
            var (mask, forms) = (SecretMask.Of(values), SecretForms.Of(values).ToArray());
            foreach (var (parts, cuts) in texts)
            {
                byte[] text = [.. parts.SelectMany(part => Bytes(part, secrets, forms))];
                var (masked, expected) = (Masked(mask, text, cuts), Slowly(text, forms));
                if (!masked.AsSpan().SequenceEqual(expected))
                    masked.ShouldBe(expected);
            }
        }, iter: Rounds.Of(100_000 / TextsEach));

    [Fact]
    public void What_was_encoded_by_others_is_not_to_be_found() =>
        Gen.Select(Gen.OneOf(Printed, Gen.Byte.Array[6, 60]), Gen.Byte.Array[0, 5], Gen.Byte.Array[0, 5], Gen.Double.Unit.Array[0, 12]).Sample((drawn, before, after, cuts) =>
        {
            // Line ends at its end are no part of a secret, and blanks are none.
            var secret = drawn.AsSpan().TrimEnd("\r\n"u8).ToArray();
            if (secret.Length < SecretMask.Shortest || !secret.AsSpan().ContainsAnyExcept(" \t\r\n"u8))
                return;
            var mask = SecretMask.Of([secret]);
            foreach (var (own, encoded) in Encodings(secret, before, after))
            {
                byte[] text = [.. before, .. encoded, .. after];
                var masked = Masked(mask, text, cuts);
                masked.AsSpan().IndexOf(own).ShouldBe(-1);
                masked.AsSpan().IndexOf("***"u8).ShouldBeGreaterThanOrEqualTo(0);
            }
        }, iter: Rounds.Of(2_000));

    private static Gen<byte> Of(string letters)
    {
        var bytes = Encoding.UTF8.GetBytes(letters);
        return Gen.Int[0, bytes.Length - 1].Select(i => bytes[i]);
    }

    private static byte[] Bytes(Part part, byte[][] secrets, byte[][] forms)
    {
        var chosen = part.Kind switch
        {
            0 => part.Noise,
            1 or 2 => secrets[(int)(part.Which * secrets.Length)],
            _ => forms.Length == 0 ? part.Noise : forms[(int)(part.Which * forms.Length)],
        };
        // Some whole, some without their begin, some without their end.
        var from = part.Kind == 4 ? (int)(part.From * chosen.Length) : 0;
        var to = part.Kind is 2 or 5 ? (int)(part.To * chosen.Length) : chosen.Length;
        return from < to ? chosen[from..to] : [];
    }

    private static byte[] Masked(SecretMask mask, byte[] text, double[] cuts)
    {
        var output = mask.Open();
        var (masked, from) = (new List<byte>(), 0);
        foreach (var cut in cuts.Select(cut => (int)(cut * text.Length)).Order().Append(text.Length))
        {
            masked.AddRange(output.Write(text.AsMemory(from..cut)).Span);
            from = cut;
        }

        masked.AddRange(output.Finish().Span);
        return [.. masked];
    }

    private static byte[] Slowly(byte[] text, byte[][] forms)
    {
        var secret = new bool[text.Length];
        foreach (var form in forms)
        {
            for (var at = 0; text.AsSpan(at).IndexOf(form) is >= 0 and var found; at += found + 1)
                secret.AsSpan(at + found, form.Length).Fill(true);
        }

        var masked = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (!secret[i])
                masked.Add(text[i]);
            else if (i == 0 || !secret[i - 1])
                masked.AddRange("***"u8);
        }

        return [.. masked];
    }

    /// <summary>What .NET makes of a secret between other bytes, and the part that is the secret's own.</summary>
    private static IEnumerable<(byte[] Own, byte[] Encoded)> Encodings(byte[] secret, byte[] before, byte[] after)
    {
        yield return (secret, secret);
        yield return Both(Encoding.ASCII.GetBytes(Convert.ToHexString(secret)));
        yield return Both(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(secret)));
        yield return Both(Encoding.ASCII.GetBytes(Uri.EscapeDataString(Encoding.Latin1.GetString(secret.Where(b => b < 128).ToArray())))) is var url && secret.All(b => b < 128) ? url : (secret, secret);
        yield return Base64(Convert.ToBase64String);
        yield return Base64(bytes => System.Buffers.Text.Base64Url.EncodeToString(bytes));

        static (byte[], byte[]) Both(byte[] encoded) => (encoded, encoded);

        (byte[], byte[]) Base64(Func<byte[], string> encode)
        {
            var encoded = encode([.. before, .. secret, .. after]);
            // Where it is the same whatever the neighbours are.
            var other = encode([.. before.Select(b => (byte)~b), .. secret, .. after.Select(b => (byte)~b)]);
            var first = before.Length * 4 / 3 + 2;
            var own = encoded.Skip(first).Zip(other.Skip(first)).TakeWhile(pair => pair.First == pair.Second).Select(pair => (byte)pair.First).ToArray();
            return (own, Encoding.ASCII.GetBytes(encoded));
        }
    }
}
