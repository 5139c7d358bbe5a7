namespace Builds.Execution.Slots;

/// <summary>One place for one build at a time.</summary>
/// <param name="Directory">Below the data directory; only the silo may enter it.</param>
/// <param name="User">Whom builds run as, or null: as the silo's own user.</param>
/// <param name="FirstMapped">The first of the 65536 users of this machine that are the users inside an image, as root of images has them; null where the silo is not root.</param>
internal sealed record Slot(int Number, string Directory, uint? User, uint? FirstMapped)
{
    /// <summary>The home of a build that has no disk of its own, as this machine sees it.</summary>
    public string Home => Path.Combine(Place, "home");
    /// <summary>Where the build's own files are; its disk is mounted there, for the build alone, where it has one.</summary>
    public string Place => Path.Combine(Directory, "place");
    /// <summary>The file that is the disk of the running build.</summary>
    public string Space => Path.Combine(Directory, "space");
    public string Passwd => Path.Combine(Directory, "passwd");
    public string Group => Path.Combine(Directory, "group");
}
