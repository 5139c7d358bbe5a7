namespace Builds.Execution.Slots;

/// <summary>One place for one build at a time.</summary>
/// <param name="Directory">Below the data directory; only the silo may enter it.</param>
/// <param name="User">Whom builds run as, or null: as the silo's own user.</param>
internal sealed record Slot(int Number, string Directory, uint? User)
{
    /// <summary>The home of the build, as this machine sees it.</summary>
    public string Home => Path.Combine(Directory, "home");
    public string Passwd => Path.Combine(Directory, "passwd");
    public string Group => Path.Combine(Directory, "group");
}
