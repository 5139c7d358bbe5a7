using System.ComponentModel.DataAnnotations;
using Builds.Stores;
using Builds.Workers;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Options;

namespace Builds.Cluster;

/// <summary>What must be known of the settings before there is a host.</summary>
internal static class ClusterSettings
{
    /// <summary>What is better for a cluster than for a silo alone, where nobody says otherwise.</summary>
    private static readonly Dictionary<string, string?> Defaults = new()
    {
        // A worker that offers the image may be about to start.
        ["Builds:Queue:UnofferedImage"] = "00:01:00",
    };

    /// <summary>Throws <see cref="OptionsValidationException"/>, which names each setting that is refused.</summary>
    public static ClusterOptions Read(ConfigurationManager configuration)
    {
        var options = configuration.GetSection(ClusterOptions.Section).Get<ClusterOptions>() ?? new ClusterOptions();
        var mistakes = new List<ValidationResult>();
        if (!options.IsCluster)
        {
            // Most likely the database got lost on its way here, and a silo alone would start empty.
            if ((options.Store ?? options.Name) is not null || options.Role != SiloRole.All)
                throw Refused([new ValidationResult($"{ClusterOptions.Section}:ConnectionString is missing, though other settings are of a silo of a cluster: name its database with --cluster, or leave out --name, --store and --role")]);
            return options;
        }

        if (options.Role == SiloRole.Worker && configuration[$"{ApiOptions.Section}:{nameof(ApiOptions.Origin)}"] is null)
            mistakes.Add(new ValidationResult($"{ClusterOptions.Section}:Role is Worker, so callers do not reach this silo: say with --origin where they reach the service, for JOB_URL"));
        Check(options, mistakes);
        Check(Tls(configuration), mistakes);
        Check(Store(configuration), mistakes);
        if (mistakes.Count > 0)
            throw Refused(mistakes);
        ((IConfigurationBuilder)configuration).Sources.Insert(0, new MemoryConfigurationSource { InitialData = Defaults });
        return options;
    }

    public static SiloTlsOptions Tls(IConfiguration configuration) => configuration.GetSection(SiloTlsOptions.Section).Get<SiloTlsOptions>() ?? new SiloTlsOptions();

    public static StoreOptions Store(IConfiguration configuration) => configuration.GetSection(StoreOptions.Section).Get<StoreOptions>() ?? new StoreOptions();

    /// <summary>For a command that is no silo. Throws <see cref="OptionsValidationException"/>, which names each setting that is refused.</summary>
    public static StoreOptions CheckedStore(IConfiguration configuration)
    {
        var mistakes = new List<ValidationResult>();
        var options = Store(configuration);
        Check(options, mistakes);
        return mistakes.Count == 0 ? options : throw Refused(mistakes);
    }

    public static LeaseOptions Lease(IConfiguration configuration) => configuration.GetSection(LeaseOptions.Section).Get<LeaseOptions>() ?? new LeaseOptions();

    private static OptionsValidationException Refused(IEnumerable<ValidationResult> mistakes) =>
        new(ClusterOptions.Section, typeof(ClusterOptions), mistakes.Select(mistake => mistake.ErrorMessage!));

    private static void Check(object options, List<ValidationResult> mistakes) =>
        Validator.TryValidateObject(options, new ValidationContext(options), mistakes, validateAllProperties: true);
}
