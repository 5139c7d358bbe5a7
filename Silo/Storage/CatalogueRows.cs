using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json;
using Builds.Jobs;
using Builds.Secrets;
using Builds.Triggers;
using Builds.Users;

namespace Builds.Storage;

/// <summary>What the questions of a catalogue select, in both kinds of database.</summary>
internal static class CatalogueRows
{
    /// <summary>For <see cref="Open"/>.</summary>
    public const string OpenColumns = "id, owner, image, status, queued_at, attempt, worker, incarnation, started, cancel_requested, revision, pool, priority, labels";

    private const string JobStateName = "job";

    /// <summary>The record.</summary>
    public static JobSnapshot Job(DbDataReader row) => Record<JobState>(row, 0).ToSnapshot();

    /// <summary>The record, of which the rest is passed over.</summary>
    public static ListedJob Listed(DbDataReader row) => Record<ListedJob>(row, 0);

    public static OpenJob Open(DbDataReader row) => new()
    {
        Id = new JobId(row.GetInt32(0)),
        Owner = row.GetString(1),
        Image = row.GetString(2),
        Status = row.GetString(3) == JobStatus.Running.Word() ? JobStatus.Running : JobStatus.Queued,
        QueuedAt = Time(row, 4),
        Attempt = row.GetInt32(5),
        Worker = row.IsDBNull(6) ? null : row.GetString(6),
        Incarnation = row.GetInt64(7),
        Started = row.IsDBNull(8) ? null : Time(row, 8),
        CancelRequested = row.GetBoolean(9),
        Revision = row.GetInt32(10),
        Pool = row.GetString(11),
        Priority = row.GetInt32(12),
        Labels = row.GetString(13) is "[]" ? [] : JsonSerializer.Deserialize<ImmutableArray<string>>(row.GetString(13), StateJson.Options),
    };

    /// <summary>id, updated.</summary>
    public static EndedJob Ended(DbDataReader row) => new(new JobId(row.GetInt32(0)), Time(row, 1));

    /// <summary>state, id, owner, triggers_due.</summary>
    public static DueTriggers Due(DbDataReader row) => new(
        new TriggerSource(row.GetString(0) == JobStateName ? TriggerSourceKind.Job : TriggerSourceKind.Group, row.GetInt32(1)), row.GetString(2), Time(row, 3));

    /// <summary>The name by which rows of a kind of source are known.</summary>
    public static string StateOf(TriggerSourceKind kind) => kind switch
    {
        TriggerSourceKind.Job => JobStateName,
        TriggerSourceKind.Group => "jobgroup",
    };

    /// <summary>The key and the record.</summary>
    public static TokenInfo Token(DbDataReader row) => Record<TokenState>(row, 1).ToInfo(row.GetString(0));

    /// <summary>The key and the record.</summary>
    public static KeptSecret Secret(DbDataReader row)
    {
        var secret = Record<SecretState>(row, 1);
        return new KeptSecret(secret.ToInfo(row.GetString(0)), secret.Sealed);
    }

    /// <summary>The key.</summary>
    public static SecretKey SecretKey(DbDataReader row) => Secrets.SecretKey.Of(row.GetString(0));

    private static T Record<T>(DbDataReader row, int column) => JsonSerializer.Deserialize<T>(row.GetFieldValue<byte[]>(column), StateJson.Options)!;

    private static DateTimeOffset Time(DbDataReader row, int column) => JsonSerializer.Deserialize<DateTimeOffset>($"\"{row.GetString(column)}\"", StateJson.Options);
}
