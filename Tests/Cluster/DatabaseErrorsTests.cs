using Builds.Cluster;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Serialization;

namespace Builds.Tests.Cluster;

/// <summary>The front door tells a database that does not answer (503) from a mistake of ours (500), also where the grain is on another silo.</summary>
public sealed class DatabaseErrorsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_error_of_the_database_passes_between_silos(bool wrapped)
    {
        using var services = new ServiceCollection().AddSerializer().AddDatabaseErrors().BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer>();
        Exception sent = new NpgsqlException("Failed to connect", new PostgresException("starting up", "FATAL", "FATAL", "57P03"));
        if (wrapped)
            sent = new OrleansException("Error from storage provider", sent);

        var heard = serializer.Deserialize<Exception>(serializer.SerializeToArray(sent));

        for (; sent is not null; sent = sent.InnerException!, heard = heard!.InnerException!)
        {
            Assert.IsType(sent.GetType(), heard);
            Assert.Equal(sent.Message, heard.Message);
        }
    }
}
