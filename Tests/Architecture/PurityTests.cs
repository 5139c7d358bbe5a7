using ArchUnitNET.Loader;

namespace Builds.Tests.Architecture;

/// <summary>What code may use, looked up in the compiled methods: rules are pure, and only the Silo project touches the machine.</summary>
public sealed class PurityTests
{
    private static readonly ArchUnitNET.Domain.Architecture Code =
        new ArchLoader().LoadAssemblies(Product.Interfaces, Product.Grains, Product.Api).Build();

    private static readonly string[] Files =
        ["System.IO.File", "System.IO.FileStream", "System.IO.FileInfo", "System.IO.Directory", "System.IO.DirectoryInfo", "System.IO.RandomAccess"];

    /// <summary>What a decision must not know: grains, clocks, chance, logs, threads and the machine.</summary>
    private static readonly string[] Impure =
    [
        "Orleans.", "OrleansCodeGen.", "Microsoft.Extensions.Logging.", "Microsoft.Extensions.Options.", "Microsoft.AspNetCore.", "System.TimeProvider", "System.Random", "System.Guid",
        "System.Threading.Tasks.", "System.Threading.Timer", "System.Diagnostics.Process", "System.Diagnostics.Stopwatch", "System.Environment", "System.Net.", "System.Data.", .. Files,
    ];

    private static readonly string[] Machine = ["System.Diagnostics.Process", "System.Data.", "System.Net.Sockets.", "Microsoft.Data.", "Microsoft.Win32.SafeHandles.", .. Files];

    [Fact]
    public void Manifests_are_read_without_clock_grain_log_or_file()
    {
        Uses("Builds.Manifests.", Impure).ShouldBeEmpty();
        UsesOfPlace("Builds.Manifests.").ShouldContain("YamlDotNet.Core.Parser", "the look-up itself must see what methods use");
    }

    [Theory]
    [InlineData("Builds.Jobs.JobLifecycle")]
    [InlineData("Builds.Jobs.JobDecisions")]
    [InlineData("Builds.Jobs.JobTimeline")]
    [InlineData("Builds.Jobs.TaskLifecycle")]
    [InlineData("Builds.Workers.WorkerLifecycle")]
    [InlineData("Builds.Workers.Lease")]
    [InlineData("Builds.Queue.QueueBook")]
    [InlineData("Builds.Queue.WaitingJobs")]
    [InlineData("Builds.Queue.QueueEffect")]
    [InlineData("Builds.Secrets.SecretRules")]
    [InlineData("Builds.Triggers.TriggerRules")]
    [InlineData("Builds.Triggers.TriggerBook")]
    [InlineData("Builds.Logs.SecretMask")]
    [InlineData("Builds.Logs.MaskedOutput")]
    [InlineData("Builds.Logs.Masking.")]
    public void A_decision_uses_no_clock_grain_log_or_file(string type)
    {
        UsesOfPlace(type).ShouldNotBeEmpty($"there is no {type} any more: correct the list");
        Uses(type, Impure).ShouldBeEmpty();
    }

    [Fact]
    public void Only_the_Silo_project_touches_files_processes_and_databases() => Uses("Builds.", Machine).ShouldBeEmpty();

    /// <param name="place">A namespace that ends with a dot, or a type, with the types inside.</param>
    private static IEnumerable<string> Uses(string place, string[] forbidden) => In(place)
        .SelectMany(type => type.Dependencies.Select(dependency => (type.FullName, Used: dependency.Target.FullName)))
        // Catching what the machine throws is not touching it.
        .Where(use => !use.Used.EndsWith("Exception", StringComparison.Ordinal))
        .Where(use => forbidden.Any(part => part.EndsWith('.') ? use.Used.StartsWith(part, StringComparison.Ordinal) : use.Used == part))
        .Select(use => $"{use.FullName} uses {use.Used}").Distinct();

    private static HashSet<string> UsesOfPlace(string place) => [.. In(place).SelectMany(type => type.Dependencies).Select(dependency => dependency.Target.FullName)];

    private static IEnumerable<ArchUnitNET.Domain.IType> In(string place) => Code.Types.Where(type =>
        place.EndsWith('.')
            ? type.FullName.StartsWith(place, StringComparison.Ordinal)
            : type.FullName == place || type.FullName.StartsWith(place + "+", StringComparison.Ordinal) || type.FullName.StartsWith(place + "/", StringComparison.Ordinal));
}
