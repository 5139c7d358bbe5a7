using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Builds.Triggers;

/// <summary>Webhooks and e-mails.</summary>
internal static class TriggerServices
{
    /// <summary>The senders; who has them delivers. They need the public address of the service.</summary>
    public static IServiceCollection AddBuildsTriggerSenders(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSettings<SmtpOptions>(configuration, SmtpOptions.Section);
        services.TryAddSingleton<INames, SystemNames>();
        services.AddSingleton(provider => TargetAddresses.Of(provider.GetRequiredService<IOptions<TriggerOptions>>().Value));
        services.AddSingleton<GuardedConnections>();
        services.AddSingleton<ITriggerSender, WebhookSender>();
        services.AddSingleton<ITriggerSender, EmailSender>();
        return services;
    }
}
