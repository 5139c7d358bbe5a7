using System.Collections.Immutable;
using System.Globalization;

namespace Builds.Requests;

/// <summary>A value of a request, with the types of JSON as far as requests use them.</summary>
public abstract record FieldValue
{
    private FieldValue() { }

    public sealed record Null : FieldValue;
    public sealed record Text(string Value) : FieldValue;
    public sealed record Flag(bool Value) : FieldValue;
    public sealed record Whole(long Value) : FieldValue;
    public sealed record List(ImmutableArray<FieldValue> Items) : FieldValue;
    public sealed record Map(ImmutableDictionary<string, FieldValue> Fields) : FieldValue;
    /// <summary>A number with a fraction, or too large.</summary>
    public sealed record Other : FieldValue;
}

/// <summary>
/// The keys of a request's body, whether it came as JSON or as a form, and the mistakes found in them so far, in order
/// (contract/rest section 6). A form has text only: there <c>true</c> and <c>false</c> are flags, and a key given several times is a list.
/// </summary>
public sealed class RequestFields(ImmutableDictionary<string, FieldValue> values, bool isForm, ApiError? bodyMistake = null)
{
    private readonly List<ApiError> errors = bodyMistake is null ? [] : [bodyMistake];

    public ImmutableArray<ApiError> Errors => [.. errors];

    public bool IsValid => errors.Count == 0;

    public void Refuse(string? field, string reason) => errors.Add(new ApiError(field, reason));

    /// <summary>A text that must be there and not be empty.</summary>
    public string? RequiredText(string name)
    {
        var text = Text(name);
        if (string.IsNullOrEmpty(text))
            Refuse(name, $"{name} is required");
        return text;
    }

    public string? Text(string name) => Find(name) switch
    {
        null => null,
        FieldValue.Text text => text.Value,
        var value => Mistyped<string>(name, value, "a str"),
    };

    public bool? Flag(string name) => Find(name) switch
    {
        null => null,
        FieldValue.Flag flag => flag.Value,
        FieldValue.Text { Value: "true" } when isForm => true,
        FieldValue.Text { Value: "false" } when isForm => false,
        var value => MistypedValue<bool>(name, value, "a bool"),
    };

    public long? Whole(string name) => Find(name) switch
    {
        null => null,
        var value => WholeOrNull(value) ?? MistypedValue<long>(name, value, "an int"),
    };

    public ImmutableArray<FieldValue>? List(string name) => Find(name) switch
    {
        null => null,
        FieldValue.List list => list.Items,
        FieldValue.Text text when isForm => [text],
        var value => MistypedValue<ImmutableArray<FieldValue>>(name, value, "a list"),
    };

    /// <summary>The whole number that a value is, or null, without a word about it.</summary>
    public long? WholeOrNull(FieldValue value) => value switch
    {
        FieldValue.Whole whole => whole.Value,
        FieldValue.Text { Value: var text } when isForm && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    private FieldValue? Find(string name) => values.GetValueOrDefault(name);

    private T? Mistyped<T>(string name, FieldValue value, string type) where T : class
    {
        Refuse(name, value is FieldValue.Null ? $"{name} may not be null" : $"{name} should be {type}");
        return null;
    }

    private T? MistypedValue<T>(string name, FieldValue value, string type) where T : struct
    {
        Mistyped<object>(name, value, type);
        return null;
    }
}
