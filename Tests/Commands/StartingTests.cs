using Builds.Commands;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Builds.Tests;

public sealed class StartingTests
{
    [Fact]
    public async Task A_stop_that_comes_before_a_host_is_ready_is_no_failure()
    {
        using var host = With((_, services) => services.GetRequiredService<IHostApplicationLifetime>().StopApplication());

        (await Starting.Start(host)).ShouldBeFalse();
    }

    [Fact]
    public async Task Why_a_host_did_not_start_is_told_even_if_it_cannot_be_stopped()
    {
        using var host = With((_, _) => throw new IOException("no room"), () => throw new InvalidOperationException("never began"));

        (await Should.ThrowAsync<IOException>(() => Starting.Start(host))).Message.ShouldBe("no room");
    }

    private static IHost With(Action<CancellationToken, IServiceProvider> start, Action? stop = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddHostedService(services => new Service(services, start, stop));
        return builder.Build();
    }

    private sealed class Service(IServiceProvider services, Action<CancellationToken, IServiceProvider> start, Action? stop) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            start(cancellationToken, services);
            cancellationToken.ThrowIfCancellationRequested();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            stop?.Invoke();
            return Task.CompletedTask;
        }
    }
}
