using System.Net.Sockets;
using Builds.Cluster;
using Npgsql;

namespace Builds.Storage;

/// <summary>What an operator is told when the database cannot be used.</summary>
internal static class PostgresErrors
{
    /// <summary>One clear message for a failure; its inner exceptions hold no password either.</summary>
    public static ClusterException Explain(NpgsqlException error, NpgsqlConnectionStringBuilder settings)
    {
        var (database, server, user) = (PostgresSettings.Database(settings), PostgresSettings.Server(settings), settings.Username);
        var said = (error as PostgresException)?.MessageText ?? error.Message;
        var message = (error as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.InvalidCatalogName => $"there is no {database} on {server}. Make it first (createdb -O {user ?? "USER"} {settings.Database}), or name another one in the connection string.",
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
                $"{server} refuses user {user}: {said}. Check Username and Password of the connection string, and pg_hba.conf of the server.",
            PostgresErrorCodes.InsufficientPrivilege =>
                $"user {user} may not do in {database} on {server} what a silo must: {said}. Make it the owner (ALTER DATABASE … OWNER TO …), or grant it CREATE on the schema.",
            PostgresErrorCodes.ReadOnlySqlTransaction => $"{database} on {server} takes no writes: {said}. Name the primary in the connection string, not a standby.",
            PostgresErrorCodes.TooManyConnections => $"{server} has no connection left: {said}. Raise its max_connections, or lower Maximum Pool Size in the connection string of every silo.",
            PostgresErrorCodes.CannotConnectNow => $"{server} takes no connections now: {said}. Start again when it does.",
            { } state => $"{database} on {server} cannot be used: {said} (SQLSTATE {state}).",
            null when Cause(error) is SocketException or TimeoutException =>
                $"{server} cannot be reached: {Cause(error)!.Message.TrimEnd('.')}. Check that PostgreSQL runs there, takes connections from this machine, and that Host and Port of the connection string name it.",
            // Npgsql has no code for it.
            null when said.StartsWith("No password has been provided", StringComparison.Ordinal) =>
                $"{server} wants a password of user {user}, and the connection string has none: add Password=… to it, in Builds__Cluster__ConnectionString rather than on the command line, or name a Passfile.",
            null => $"{database} on {server} cannot be used: {said.TrimEnd('.')}.",
        };
        return new ClusterException($"the cluster's database: {message}", error);
    }

    private static Exception? Cause(Exception error) => error.InnerException is { } inner ? Cause(inner) ?? inner : null;
}
