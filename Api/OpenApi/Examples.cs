using Builds.Jobs;
using Builds.Queue;
using Builds.Requests;
using Builds.Secrets;
using Builds.Triggers;
using Builds.Users;
using Builds.Workers;

namespace Builds.OpenApi;

/// <summary>Examples of what is sent and answered.</summary>
internal static class Examples
{
    public const string Submission = """{"manifest":"image: host\ntasks:\n- hello: echo hello\n","note":"a *first* job","tags":["hello"],"execute":true}""";
    public const string Group = """{"jobs":[41,42],"note":"both","execute":true}""";
    public const string NewToken = """{"user":"mia","scopes":["jobs:read","jobs:write"],"days":90}""";

    public const string NewSecret = """{"type":"plaintext_file","name":"netrc","value":"machine example.org login mia password …\n","path":"~/.netrc","mode":"600"}""";

    public const string ShareSecret = """{"user":"kim"}""";

    public const string Drain = """{"deadline":600,"note":"a new disk"}""";

    private const string Job = """
        {"id":42,"status":"running","reason":null,"setup_log":"https://builds.example.org/logs/42/log","tasks":[{"name":"hello","status":"running","log":"https://builds.example.org/logs/42/hello/log"}],"note":"a *first* job","runner":"worker","tags":"hello","owner":{"canonical_name":"~mia","name":"mia"},"waiting":null,"triggers":[],"sources":[]}
        """;

    private const string Artifact = """{"id":1,"created":"2026-11-24T12:00:00+00:00","path":"out/one.txt","name":"one.txt","url":"https://builds.example.org/artifacts/~mia/42/0123456789abcdef/one.txt","size":4}""";
    private const string Token = """{"id":"9b71…","prefix":"Zk3uX0aB","user":"mia","admin":false,"scopes":["jobs:read"],"created":"2026-11-24T12:00:00+00:00","expires":null,"revoked":null,"last_used":null}""";

    private const string Worker = """{"name":"north","status":"draining","slots":4,"running":[{"id":42,"attempt":1,"since":"2026-11-24T12:00:00+00:00"}],"images":["host"],"pool":"default","labels":["large"],"note":"a new disk","drained_since":"2026-11-24T12:01:00+00:00","deadline":"2026-11-24T12:11:00+00:00","leaving":false,"last_heard":"2026-11-24T12:01:02+00:00","version":"0.1.0"}""";

    private const string Secret = """{"id":3,"created":"2026-11-24T12:00:00+00:00","uuid":"0d3d43a7-b9b3-4d42-ae51-1d0f1d0f1d0f","type":"plaintext_file","name":"netrc","from_user":null,"path":"~/.netrc","mode":"600"}""";

    /// <summary>An example of a type that stands in answers, JSON; null if it needs none.</summary>
    public static string? Of(Type type) => All.GetValueOrDefault(type);

    private static readonly Dictionary<Type, string> All = new()
    {
        [typeof(JobModel)] = Job,
        [typeof(Page<JobModel>)] = $$"""{"next":"41","results":[{{Job}}],"results_per_page":50,"total":51}""",
        [typeof(ArtifactModel)] = Artifact,
        [typeof(Page<ArtifactModel>)] = $$"""{"next":null,"results":[{{Artifact}}],"results_per_page":50,"total":1}""",
        [typeof(JobTimelineModel)] = """{"results":[{"at":"2026-11-24T12:00:00.004+00:00","event":"submitted","attempt":0,"worker":null,"detail":null},{"at":"2026-11-24T12:00:00.004+00:00","event":"queued","attempt":0,"worker":null,"detail":null},{"at":"2026-11-24T12:00:00.019+00:00","event":"claimed","attempt":1,"worker":"worker","detail":null},{"at":"2026-11-24T12:00:07.310+00:00","event":"finished","attempt":1,"worker":"worker","detail":"success"}]}""",
        [typeof(WorkerModel)] = Worker,
        [typeof(WorkerList)] = $$"""{"results":[{{Worker}}]}""",
        [typeof(QueueModel)] = """{"results":[{"pool":"default","queued":3,"running":2,"slots":2,"free_slots":0,"oldest_queued":"2026-11-24T12:00:00+00:00","oldest_wait":75,"owners":[{"owner":"~mia","queued":3,"running":2,"oldest_queued":"2026-11-24T12:00:00+00:00"}],"owner_count":1,"reasons":[{"reason":"no-slot","why":"all 2 slots are taken","jobs":3}]}]}""",
        [typeof(JobGroupModel)] = """{"id":7,"note":"both","owner":{"canonical_name":"~mia","name":"mia"},"jobs":[{"id":41,"status":"queued"},{"id":42,"status":"running"}]}""",
        [typeof(NewTokenModel)] = """{"id":"9b71…","token":"Zk3uX0aB…","user":"mia","scopes":["jobs:read","jobs:write"],"created":"2026-11-24T12:00:00+00:00","expires":"2027-02-22T12:00:00+00:00"}""",
        [typeof(SecretModel)] = Secret,
        [typeof(Page<SecretModel>)] = $$"""{"next":null,"results":[{{Secret}}],"results_per_page":50,"total":1}""",
        [typeof(SecretKeysModel)] = """{"secrets":12}""",
        [typeof(TokenList)] = $$"""{"results":[{{Token}}]}""",
        [typeof(ApiErrors)] = """{"errors":[{"field":"manifest","reason":"manifest is required"}]}""",
        [typeof(WebhookKeyModel)] = """{"algorithm":"ed25519","public_key":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","pem":"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"}""",
        [typeof(VersionModel)] = """{"version":"0.1.0"}""",
        [typeof(Done)] = "{}",
    };
}
