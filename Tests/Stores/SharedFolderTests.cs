using Builds.Logs;
using Builds.Stores;

namespace Builds.Tests.Stores;

public sealed class SharedFolderTests : SharedLogContract, IDisposable
{
    private readonly TempFolder folder = new();
    private int rounds;

    public SharedFolderTests() => (A, B) = (new FileLogStore(folder.Path), new FileLogStore(folder.Path));

    protected override ILogStore A { get; }

    protected override ILogStore B { get; }

    public void Dispose() => folder.Dispose();

    protected override (ILogStore A, ILogStore B) Fresh()
    {
        var place = Path.Combine(folder.Path, $"{rounds++}");
        return (new FileLogStore(place), new FileLogStore(place));
    }
}
