namespace Builds.Tests;

/// <summary>What callers are told while the database takes no writes, as on a full disk, and that it goes on afterwards.</summary>
public sealed class RefusedWriteTests
{
    private static readonly object Job = new { manifest = "image: host\ntasks:\n- a: \"true\"\n", execute = false };

    [Fact]
    public async Task A_submission_that_cannot_be_stored_is_503_and_its_repeat_makes_one_job()
    {
        await using var server = await BuildsServer.Start();
        server.Client.DefaultRequestHeaders.Add("Idempotency-Key", "one");
        await server.Execute(
            "CREATE TRIGGER no_room BEFORE INSERT ON storage WHEN NEW.state = 'job' BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$; " +
            "CREATE TRIGGER no_room BEFORE INSERT ON storage FOR EACH ROW WHEN (NEW.state = 'job') EXECUTE FUNCTION no_room()");

        (await server.Client.PostJson("/api/jobs", Job)).ShouldRefuse(
            503, null, "Unknown outcome: the service could not store it; the server's log says why. Repeat the request, with the same Idempotency-Key if it has one");

        await server.Execute("DROP TRIGGER no_room", "DROP TRIGGER no_room ON storage");
        var job = await server.Client.PostJson("/api/jobs", Job);
        job.Status.ShouldBe(200);
        (await server.Client.PostJson("/api/jobs", Job))["id"].GetInt32().ShouldBe(job["id"].GetInt32());
        (await server.Client.Get("/api/jobs"))["total"].GetInt32().ShouldBe(1);
    }
}
