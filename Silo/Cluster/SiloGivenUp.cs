using System.Runtime.InteropServices;

namespace Builds.Cluster;

/// <summary>
/// Ends a silo that cannot be one any more, most often since the others gave it up for dead while it was frozen or cut off: at once, for
/// nothing that it still does would count, and with one message instead of the stacks of all its threads. Status 134, as by abort(3).
/// </summary>
internal sealed partial class SiloGivenUp : IFatalErrorHandler
{
    public bool IsUnexpected(Exception exception) => true;

    public void OnFatalException(object? sender = null, string? context = null, Exception? exception = null)
    {
        Console.Error.WriteLine($"builds: this silo ends at once, and must be started again: {exception?.Message ?? context}");
        Abort();
    }

    [LibraryImport("libc", EntryPoint = "abort")]
    private static partial void Abort();
}
