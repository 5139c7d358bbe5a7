using System.Runtime.InteropServices;

namespace Builds.Commands;

/// <summary>
/// SIGTERM and SIGINT as two requests: the first one to end in good order, each later one to end at once.
/// </summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource first = new();
    private readonly CancellationTokenSource second = new();
    private readonly List<PosixSignalRegistration> registrations;
    private int count;

    public Signals() =>
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Count), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Count)];

    public CancellationToken First => first.Token;

    public CancellationToken Second => second.Token;

    private void Count(PosixSignalContext context)
    {
        // Else the runtime would end the process.
        context.Cancel = true;
        (Interlocked.Increment(ref count) == 1 ? first : second).Cancel();
    }

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        first.Dispose();
        second.Dispose();
    }
}
