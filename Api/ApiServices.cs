using System.Text.Encodings.Web;
using System.Text.Json;
using Builds.Auth;
using Builds.Jobs;
using Builds.Logs;
using Builds.OpenApi;
using Builds.Workers;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Builds;

/// <summary>What the front door needs. The host adds grains, the catalogue, the stores and <see cref="Health.IReadiness"/>.</summary>
public static class ApiServices
{
    public static IServiceCollection AddBuildsApi(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<ApiOptions>();
        services.AddSingleton<PublicOrigin>();
        services.AddSingleton<JobWaiting>();
        services.AddSingleton<JobPlaces>();
        services.AddSingleton<WorkerViews>();
        services.AddSingleton<JobAdmission>();
        services.AddSingleton<LogFollowing>();
        services.AddExceptionHandler<UnexpectedFailures>();
        services.Configure<JsonOptions>(options => ConfigureJson(options.SerializerOptions));
        services.AddAuthentication(TokenAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.SchemeName, configureOptions: null);
        services.AddAuthorization();
        services.AddOpenApiDescription();
        services.AddSingleton<IAuthorizationHandler, AccessHandler>();
        return services;
    }

    private static void ConfigureJson(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        // Answers are JSON and never part of a page, so a note in any script stays readable.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    }
}
