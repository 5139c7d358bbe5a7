using System.Collections.Immutable;

namespace Builds.Jobs;

/// <summary>A group of jobs as REST shows it (contract/rest section 5.8); the keys stand in this order.</summary>
/// <param name="Note">Markdown.</param>
/// <param name="Jobs">In the order in which they were named.</param>
public sealed record JobGroupModel(int Id, string? Note, OwnerModel Owner, ImmutableArray<ShortJobModel> Jobs);

/// <summary>The short form of a job.</summary>
/// <param name="Status">pending, queued, running, success or failed.</param>
public sealed record ShortJobModel(int Id, string Status);
