using System.Collections.Immutable;
using Builds.Execution.Native;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>No isolation: commands are plain processes of this machine, below a guard that reaps and ends them.</summary>
internal sealed class ProcessDriver(GuardProgram program, string why) : ISandboxDriver
{
    public string Name => "process";

    public bool OwnNamespace => false;

    public ImmutableArray<string> Remarks { get; } =
        [$"No isolation: this build can read and change what the user of the silo can ({why})."];

    public uint UserInside(Slot slot) => slot.User ?? Libc.EffectiveUser();

    public string HomeInside(Slot slot) => slot.Home;

    public string ToolsInside => Path.Combine(program.Directory, "bin");

    public (string Program, ImmutableArray<string> Arguments) Command(Slot slot, TimeSpan lease, string name) =>
        (program.Init, [.. program.Arguments(slot, ownNamespace: false, lease, name)]);
}
