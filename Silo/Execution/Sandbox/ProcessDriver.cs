using System.Collections.Immutable;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>No isolation: commands are plain processes of this machine, below a guard that reaps and ends them.</summary>
internal sealed class ProcessDriver(GuardProgram program, string why) : ISandboxDriver
{
    public string Name => "process";

    public bool OwnNamespace => false;

    public bool HasRoot => false;

    public ImmutableArray<string> Remarks { get; } =
        [$"No isolation: this build can read and change what the user of the silo can ({why})."];

    public string HomeInside(Slot slot) => slot.Home;

    public string? ToolsInside => Path.Combine(program.Directory, "bin");

    public (string Program, ImmutableArray<string> Arguments) Command(SandboxOrder order) =>
        (program.Init, [.. program.Arguments("process", order.Slot.User, order)]);
}
