using Builds.Execution.Native;
using Builds.Execution.Sandbox;

namespace Builds.Execution;

/// <summary>A test of the bubblewrap driver: skipped where bubblewrap is missing, but never in CI.</summary>
internal sealed class BubblewrapFactAttribute : FactAttribute
{
    public BubblewrapFactAttribute()
    {
        if (!Needs.Bubblewrap) Skip = "bubblewrap is not installed: apt-get install bubblewrap";
    }
}

/// <summary>The same for a test with parameters.</summary>
internal sealed class BubblewrapTheoryAttribute : TheoryAttribute
{
    public BubblewrapTheoryAttribute()
    {
        if (!Needs.Bubblewrap) Skip = "bubblewrap is not installed: apt-get install bubblewrap";
    }
}

/// <summary>The same, and the test itself must be root.</summary>
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!Needs.Bubblewrap) Skip = "bubblewrap is not installed: apt-get install bubblewrap";
        else if (!Needs.Root) Skip = "the tests do not run as root, which may change users";
    }
}

internal static class Needs
{
    public static bool Ci => Environment.GetEnvironmentVariable("CI") == "true";
    public static bool Bubblewrap => Ci || SandboxTrial.FindBubblewrap() is not null;
    public static bool Root => Ci || Libc.EffectiveUser() == 0;
}
