using System.ComponentModel.DataAnnotations;

namespace Builds.Space;

/// <summary>What happens when the disk of the data directory fills up. Each mark counts for the file systems of data, logs and artifacts by themselves.</summary>
public sealed class SpaceOptions : IValidatableObject
{
    public const string Section = "Builds:Space";

    private const long UsualLow = 2L << 30;
    private const int UsualShare = 10;

    /// <summary>How much more than the mark must be free before builds begin again, as a part of it: else one that ends would begin the next one, and that a pause.</summary>
    private const int MoreByPart = 10;

    /// <summary>
    /// Bytes that must be free for the worker to begin a build; what runs goes on. Default: 2 GiB, or a tenth of the disk where that is
    /// less; 0: none.
    /// </summary>
    [Range(typeof(long), "0", "1125899906842624")]
    public long? Low { get; set; }

    /// <summary>
    /// Bytes below which logs and artifacts go before their time, those of the job first that ended first, until as much is free again.
    /// Default: twice <see cref="Low"/>; 0: never. A tenth more than that at least, so that builds begin again.
    /// </summary>
    [Range(typeof(long), "0", "1125899906842624")]
    public long? Clean { get; set; }

    /// <summary>How long after a job's end its logs and artifacts are kept however little room there is. Default 1 hour.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "36500.00:00:00")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromHours(1);

    /// <summary><see cref="Low"/> for a disk.</summary>
    public long LowOf(DiskRoom disk) => Low ?? Math.Min(UsualLow, disk.Size / UsualShare);

    /// <summary>What must be free before builds begin again where they did not.</summary>
    public long AgainOf(DiskRoom disk) => LowOf(disk) + LowOf(disk) / MoreByPart;

    /// <summary><see cref="Clean"/> for a disk.</summary>
    public long CleanOf(DiskRoom disk) => Clean switch
    {
        null => 2 * LowOf(disk),
        0 => 0,
        { } clean => Math.Max(clean, AgainOf(disk)),
    };

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Clean > 0 && Clean < Low)
            yield return new ValidationResult($"{Section}:Clean is {Clean}, less than {Section}:Low, which is {Low}: builds would wait for room that nothing makes; let it be {Low} or more, or 0 to clean nothing", [nameof(Clean)]);
    }
}
