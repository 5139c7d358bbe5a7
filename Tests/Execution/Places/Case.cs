namespace Builds.Execution.Places;

/// <summary>One thing that holds for builds.</summary>
/// <param name="Name">Said of a build: "the home is empty but for two entries".</param>
/// <param name="Script">For a POSIX shell; whatever it exits with.</param>
/// <param name="Expected">What it prints.</param>
public sealed record Case(string Name, string Script, string Expected)
{
    /// <summary>Where it holds; empty: everywhere.</summary>
    public IReadOnlyList<Place> Where { get; init; } = [];

    public bool HoldsIn(Place place) => Where.Count == 0 || Where.Contains(place);

    public override string ToString() => Name;
}
