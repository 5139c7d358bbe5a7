using System.CommandLine;
using System.Globalization;
using Builds.Commands;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace Builds.Tests.Silos;

/// <summary><c>builds serve</c> at another time than now, as a program.</summary>
internal static class LaterSilo
{
    public const string Name = "later";

    /// <param name="later">How much later it is.</param>
    /// <param name="arguments">Of the command line.</param>
    public static Task<int> Run(string later, string[] arguments)
    {
        var clock = new LaterClock(TimeSpan.Parse(later, CultureInfo.InvariantCulture));
        return new RootCommand { ServeCommand.Create("serve", services => Shift(services, clock)) }.Parse(arguments).InvokeAsync();
    }

    private static void Shift(IServiceCollection services, TimeProvider clock)
    {
        services.AddSingleton(clock);
        // What Orleans tells silos apart by comes from the system's clock, and is compared with this.
        services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
    }

    private sealed class LaterClock(TimeSpan later) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + later;
    }
}
