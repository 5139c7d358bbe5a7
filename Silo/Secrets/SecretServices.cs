using Microsoft.AspNetCore.DataProtection.Repositories;

namespace Builds.Secrets;

internal static class SecretServices
{
    /// <param name="services">Of the silo.</param>
    /// <param name="keys">Where the keys are that seal the values of secrets.</param>
    public static IServiceCollection AddBuildsSecrets(this IServiceCollection services, IXmlRepository keys) =>
        services.AddSingleton<ISecretVault>(new SecretVault(keys));
}
