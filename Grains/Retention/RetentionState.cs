using Builds.Jobs;

namespace Builds.Retention;

/// <summary>
/// How far each kind of deleting has come: everything that ended up to there is done, its files included. A job that ends now comes
/// behind all of them, as the shortest age is a minute (<see cref="Space.SpaceOptions.KeepFor"/>), and a commit takes less.
/// </summary>
public sealed record RetentionState
{
    public int Schema { get; init; } = 1;
    public EndedJob? Artifacts { get; init; }
    public EndedJob? Logs { get; init; }
    public EndedJob? Jobs { get; init; }

    public EndedJob? Done(JobPart part) => part switch
    {
        JobPart.Artifacts => Artifacts,
        JobPart.Logs => Logs,
        JobPart.Record => Jobs,
    };

    public RetentionState With(JobPart part, EndedJob done) => part switch
    {
        JobPart.Artifacts => this with { Artifacts = done },
        JobPart.Logs => this with { Logs = done },
        JobPart.Record => this with { Jobs = done },
    };
}
