using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Builds.Jobs;

/// <summary>The number of a job: positive, 32 bits, never used twice. Gaps are normal.</summary>
[GenerateSerializer, Immutable, Alias("JobId"), JsonConverter(typeof(JobIdJsonConverter))]
public readonly record struct JobId([property: Id(0)] int Value) : IComparable<JobId>
{
    /// <summary>Reads a positive decimal number without sign, blanks or leading zeros; false for anything else.</summary>
    public static bool TryParse(string? text, out JobId id)
    {
        id = default;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value < 1 || text![0] == '0')
            return false;
        id = new JobId(value);
        return true;
    }

    public int CompareTo(JobId other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    public static bool operator <(JobId left, JobId right) => left.Value < right.Value;
    public static bool operator >(JobId left, JobId right) => left.Value > right.Value;
    public static bool operator <=(JobId left, JobId right) => left.Value <= right.Value;
    public static bool operator >=(JobId left, JobId right) => left.Value >= right.Value;
}

/// <summary>A job id is a plain number in JSON.</summary>
public sealed class JobIdJsonConverter : JsonConverter<JobId>
{
    public override JobId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

    public override void Write(Utf8JsonWriter writer, JobId value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}
