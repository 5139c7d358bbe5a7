namespace Builds.Tests.Chaos;

/// <summary>What a connection from one process to another is like.</summary>
/// <param name="Towards">Whether bytes pass from the one that connects; those that do not wait, as they do for a network that comes back.</param>
/// <param name="Back">The same for bytes to the one that connects.</param>
/// <param name="Refused">Connections are cut, and new ones refused.</param>
/// <param name="Delay">How long each piece takes.</param>
internal sealed record Link(bool Towards = true, bool Back = true, bool Refused = false, TimeSpan Delay = default)
{
    public static readonly Link Whole = new();
    public static readonly Link Gone = new(Towards: false, Back: false);
    public static readonly Link Deaf = new(Back: false);
    public static readonly Link Mute = new(Towards: false);
    public static readonly Link Reset = new(Refused: true);

    public static Link Slow(TimeSpan delay) => new(Delay: delay);

    public override string ToString() => this switch
    {
        { Refused: true } => "refused",
        { Towards: false, Back: false } => "cut both ways",
        { Towards: false } => "cut on the way there",
        { Back: false } => "cut on the way back",
        { Delay.Ticks: > 0 } => $"{Delay.TotalMilliseconds} ms slow",
        _ => "whole",
    };
}
