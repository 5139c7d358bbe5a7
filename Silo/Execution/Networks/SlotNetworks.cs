namespace Builds.Execution.Networks;

/// <summary>A network for each slot, from which builds reach what this machine reaches, but not the machine itself.</summary>
internal sealed class SlotNetworks
{
    /// <summary>The networks of a data directory, or null and why there are none.</summary>
    public static Task<(SlotNetworks? Networks, string? Why)> Open(ExecutionOptions options, string mark) =>
        Task.FromResult<(SlotNetworks?, string?)>((null, "builds have no network of their own yet"));

    /// <summary>The file of a slot's network namespace.</summary>
    public string Of(int slot) => throw new NotSupportedException($"slot {slot}");
}
