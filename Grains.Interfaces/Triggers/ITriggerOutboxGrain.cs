namespace Builds.Triggers;

/// <summary>
/// Delivers what has fired: one in the cluster, keyed <see cref="Key"/>. What is due stands in the records of jobs and groups, and its
/// results go there; it keeps nothing of its own, so that the next one goes on where a killed one was, and delivers twice at worst.
/// </summary>
[Alias("ITriggerOutboxGrain")]
public interface ITriggerOutboxGrain : IGrainWithStringKey
{
    const string Key = "triggers";

    /// <summary>Something of <paramref name="source"/> is due. Answers at once; what a lost hint would have said is found by the next sweep.</summary>
    /// <param name="source">Whose record to look at.</param>
    /// <param name="owner">Whose it is, without the tilde: one owner's deliveries do not hold up another's.</param>
    [Alias("Hint")]
    Task Hint(TriggerSource source, string owner);

    /// <summary>Begins to look for what is due, if it does not do so yet, and answers at once. Any silo may call it, any number of times.</summary>
    [Alias("Wake")]
    Task Wake();
}

/// <summary>Whose triggers fire. The numbers are on the wire: never reuse one.</summary>
[GenerateSerializer, Alias("TriggerSourceKind")]
public enum TriggerSourceKind
{
    Job = 0,
    Group = 1,
}

/// <param name="Id">Of the job or the group.</param>
[GenerateSerializer, Immutable, Alias("TriggerSource")]
public readonly record struct TriggerSource([property: Id(0)] TriggerSourceKind Kind, [property: Id(1)] int Id)
{
    public override string ToString() => Kind switch
    {
        TriggerSourceKind.Job => $"job {Id}",
        TriggerSourceKind.Group => $"group {Id}",
    };
}
