using System.Collections.Immutable;
using Builds.Execution.Slots;
using Builds.Images;

namespace Builds.Execution.Sandbox;

/// <summary>A way to put a guard and its commands somewhere.</summary>
internal interface ISandboxDriver
{
    /// <summary>As the settings and the setup log name it.</summary>
    string Name { get; }

    /// <summary>Whether killing the guard from outside ends everything inside as well.</summary>
    bool OwnNamespace { get; }

    /// <summary>Whether the guard can start commands as root of the sandbox, which installs packages.</summary>
    bool HasRoot { get; }

    /// <summary>What the setup log of every build says about it.</summary>
    ImmutableArray<string> Remarks { get; }

    /// <summary>The home directory as the build sees it.</summary>
    string HomeInside(Slot slot);

    /// <summary>A directory that comes before all others when the build looks for a program; null: none does.</summary>
    string? ToolsInside { get; }

    /// <summary>The program and the arguments that start a guard.</summary>
    (string Program, ImmutableArray<string> Arguments) Command(SandboxOrder order);
}

/// <summary>One sandbox that is to start.</summary>
/// <param name="Slot">Where; no other sandbox is in it.</param>
/// <param name="Image">Null: the machine's own system.</param>
/// <param name="Lease">When everything inside ends unless it is renewed, as time since boot.</param>
/// <param name="Name">Told apart by it from all others, for people and for those who clean up.</param>
/// <param name="Surroundings">Words for <c>init enter</c> (Init/enter.h) that are the same for every driver: limits, disk, network.</param>
internal sealed record SandboxOrder(Slot Slot, Image? Image, TimeSpan Lease, string Name, Surroundings Surroundings);
