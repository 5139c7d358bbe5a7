using System.Collections.Immutable;
using Builds.Execution.Slots;

namespace Builds.Execution.Sandbox;

/// <summary>A way to put a guard and its commands somewhere.</summary>
internal interface ISandboxDriver
{
    /// <summary>As the settings and the setup log name it.</summary>
    string Name { get; }

    /// <summary>Whether killing the guard from outside ends everything inside as well.</summary>
    bool OwnNamespace { get; }

    /// <summary>What the setup log of every build says about it.</summary>
    ImmutableArray<string> Remarks { get; }

    /// <summary>The user that the build has inside.</summary>
    uint UserInside(Slot slot);

    /// <summary>The home directory as the build sees it.</summary>
    string HomeInside(Slot slot);

    /// <summary>The directory of tools as the build sees it.</summary>
    string ToolsInside { get; }

    /// <summary>The program and the arguments that start a guard.</summary>
    (string Program, ImmutableArray<string> Arguments) Command(Slot slot, TimeSpan lease, string name);
}
