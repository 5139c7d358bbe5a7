using Builds.Cluster;
using Builds.Storage;
using Builds.Support;
using Npgsql;

namespace Builds.Tests.Storage;

/// <summary>What an operator reads when the database of a cluster cannot be used: one message, and never the password.</summary>
public sealed class PostgresMessageTests
{
    [PostgresFact]
    public async Task Nobody_listens()
    {
        (await Refusal("Host=127.0.0.1;Port=1;Database=builds;Username=mia;Password=pw-4f1d7c")).ShouldBe(
            "the cluster's database: 127.0.0.1:1 cannot be reached: Connection refused. Check that PostgreSQL runs there, takes connections from this machine, and that Host and Port of the connection string name it.");
    }

    [PostgresFact]
    public async Task Nobody_has_that_name()
    {
        (await Refusal("Host=nobody.invalid;Database=builds;Username=mia;Password=pw-4f1d7c")).ShouldStartWith("the cluster's database: nobody.invalid:5432 cannot be reached: ");
    }

    [PostgresFact]
    public async Task The_database_is_missing()
    {
        var server = await PostgresServer.Shared();

        (await Refusal(server.ConnectionString("missing"))).ShouldBe(
            $"the cluster's database: there is no database missing on 127.0.0.1:{server.Port}. Make it first (createdb -O builds missing), or name another one in the connection string.");
    }

    [PostgresFact]
    public async Task The_password_is_wrong()
    {
        var server = await PostgresServer.Shared();
        var wrong = new NpgsqlConnectionStringBuilder(server.ConnectionString("postgres")) { Password = "pw-4f1d7c-wrong" }.ConnectionString;

        (await Refusal(wrong)).ShouldBe(
            $"the cluster's database: 127.0.0.1:{server.Port} refuses user builds: password authentication failed for user \"builds\". Check Username and Password of the connection string, and pg_hba.conf of the server.");
    }

    [PostgresFact]
    public async Task The_password_is_missing()
    {
        var server = await PostgresServer.Shared();
        var without = new NpgsqlConnectionStringBuilder(server.ConnectionString("postgres")) { Password = null }.ConnectionString;

        (await Refusal(without)).ShouldBe(
            $"the cluster's database: 127.0.0.1:{server.Port} wants a password of user builds, and the connection string has none: add Password=… to it, in Builds__Cluster__ConnectionString rather than on the command line, or name a Passfile.");
    }

    [PostgresFact]
    public async Task The_user_may_not_make_tables()
    {
        await using var database = await PostgresTestDatabase.Create();
        var user = $"reader_{database.Name}";
        await database.Execute($"CREATE ROLE {user} LOGIN PASSWORD 'pw-4f1d7c'");
        var asReader = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = user }.ConnectionString;

        (await Refusal(asReader)).ShouldBe(
            $"the cluster's database: user {user} may not do in database {database.Name} on 127.0.0.1:{database.Server.Port} what a silo must: permission denied for schema public. " +
            "Make it the owner (ALTER DATABASE … OWNER TO …), or grant it CREATE on the schema.");

        await database.Execute($"DROP OWNED BY {user}; DROP ROLE {user}");
    }

    [PostgresFact]
    public async Task The_database_forgets_what_it_has_answered()
    {
        await using var database = await PostgresTestDatabase.Create();
        await database.Execute($"ALTER DATABASE {database.Name} SET synchronous_commit = off");

        (await Refusal(database.ConnectionString)).ShouldContain("answers before it has written (synchronous_commit is off, fsync is on), so that jobs could be lost. Set both to on.");
    }

    [PostgresFact]
    public async Task The_database_takes_no_writes()
    {
        await using var database = await PostgresTestDatabase.Create();
        await database.Execute($"ALTER DATABASE {database.Name} SET default_transaction_read_only = on");

        (await Refusal(database.ConnectionString)).ShouldContain("takes no writes: cannot execute CREATE TABLE in a read-only transaction. Name the primary");
    }

    [PostgresFact]
    public async Task The_database_cannot_keep_every_text()
    {
        var server = await PostgresServer.Shared();
        await server.Execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");

        (await Refusal(server.ConnectionString("ascii"))).ShouldContain("database ascii on 127.0.0.1:" + server.Port + " as user builds has encoding SQL_ASCII; it must be UTF8.");

        await server.DropDatabase(server.ConnectionString("ascii"));
    }

    [Theory]
    [InlineData("postgres://mia:pw-4f1d7c@db/builds", "cannot be read. It looks like Host=")]
    [InlineData("Host=db;Pasword=pw-4f1d7c", "cannot be read: a keyword in it is not known (a value with ; or = stands in quotes). It looks like Host=")]
    [InlineData("Host=db;Password=x;pw-4f1d7c=x", "cannot be read: a keyword in it is not known (a value with ; or = stands in quotes). It looks like Host=")]
    [InlineData("Host=db;Password=x;Port=pw-4f1d7c", "cannot be read: the value of port is none. It looks like Host=")]
    [InlineData("Host=db;Password=x;Port=99999999999999", "cannot be read: the value of port is none. It looks like Host=")]
    [InlineData("Database=builds;Password=pw-4f1d7c", "names no Host. It looks like Host=")]
    [InlineData("", "names no Host. It looks like Host=")]
    public async Task The_text_is_no_connection_string(string text, string said)
    {
        (await Refusal(text)).ShouldContain(said);
        Should.Throw<ClusterException>(() => new PostgresDatabase(text)).ToString().ShouldNotContain(PostgresServer.Password);
    }

    [Fact]
    public async Task What_the_operator_writes_wins_over_what_suits_a_silo()
    {
        await using var plain = new PostgresDatabase("Host=db;Database=builds;Username=mia;Password=pw-4f1d7c");
        await using var written = new PostgresDatabase("Host=db;Maximum Pool Size=3;Timeout=60;Max Auto Prepare=0;Application Name=mine");

        var (ours, theirs) = (new NpgsqlConnectionStringBuilder(plain.Source.ConnectionString), new NpgsqlConnectionStringBuilder(written.Source.ConnectionString));
        (ours.MaxPoolSize, ours.Timeout, ours.CommandTimeout, ours.MaxAutoPrepare, ours.TcpKeepAlive, ours.ApplicationName).ShouldBe((16, 5, 10, 50, true, "builds"));
        (theirs.MaxPoolSize, theirs.Timeout, theirs.CommandTimeout, theirs.MaxAutoPrepare, theirs.ApplicationName).ShouldBe((3, 60, 10, 0, "mine"));
        plain.Describe().ShouldBe("database builds on db:5432 as user mia");
        written.Describe().ShouldBe("database on db:5432");
    }

    private static async Task<string> Refusal(string connectionString)
    {
        var refusal = await Should.ThrowAsync<ClusterException>(() => PostgresSchema.Upgrade(connectionString));
        refusal.ToString().ShouldNotContain(PostgresServer.Password);
        return refusal.Message;
    }
}
