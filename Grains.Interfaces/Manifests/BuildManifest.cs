using System.Collections.Immutable;

namespace Builds.Manifests;

/// <summary>A manifest that passed <c>ManifestParser</c> (contract/manifest section 2). Immutable; nothing in it is null but where said.</summary>
public sealed record BuildManifest
{
    public required string Image { get; init; }
    public string? Arch { get; init; }
    public ImmutableArray<string> Packages { get; init; } = [];
    /// <summary>Name to URL, in manifest order.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Repositories { get; init; } = [];
    public ImmutableArray<string> Sources { get; init; } = [];
    /// <summary>In manifest order, names unique.</summary>
    public ImmutableArray<KeyValuePair<string, EnvironmentValue>> Environment { get; init; } = [];
    public ImmutableArray<string> Secrets { get; init; } = [];
    public bool Shell { get; init; }
    public ImmutableArray<string> Artifacts { get; init; } = [];
    public string? OAuth { get; init; }
    public ImmutableArray<BuildTask> Tasks { get; init; } = [];
    public ImmutableArray<Trigger> Triggers { get; init; } = [];
}

/// <summary>One task: its name and its script, LF line ends.</summary>
public sealed record BuildTask(string Name, string Script);

/// <summary>What to do when the job has ended; keys beside action and condition stay in <see cref="Settings"/>.</summary>
public sealed record Trigger(string Action, string? Condition, ImmutableArray<KeyValuePair<string, string>> Settings);

/// <summary>A value of <c>environment</c>, with the type that YAML 1.1 gives it.</summary>
public abstract record EnvironmentValue
{
    private EnvironmentValue() { }

    public sealed record Text(string Value) : EnvironmentValue;
    public sealed record Flag(bool Value) : EnvironmentValue;
    public sealed record Null : EnvironmentValue;
    /// <param name="Digits">Plain decimal digits, with a minus if below zero.</param>
    public sealed record Whole(string Digits) : EnvironmentValue;
    public sealed record Real(double Value) : EnvironmentValue;
    public sealed record List(ImmutableArray<EnvironmentValue> Items) : EnvironmentValue;
    /// <summary>Accepted by the validator; the build fails in setup.</summary>
    public sealed record Map : EnvironmentValue;
}
