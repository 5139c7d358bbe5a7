using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Builds.Execution.Sandbox;
using Builds.Execution.Slots;

namespace Builds.Images;

/// <summary>A sandbox in which the silo itself does something with an image. A machine has one at a time.</summary>
internal sealed class MakingSandbox : IAsyncDisposable
{
    private readonly SandboxMachine _machine;
    private readonly Placement _place;
    private readonly Guard _guard;

    private MakingSandbox(SandboxMachine machine, Placement place, Guard guard) => (_machine, _place, _guard) = (machine, place, guard);

    /// <summary>Waits until no other one is there. Throws <see cref="IOException"/> if it does not start.</summary>
    public static async Task<MakingSandbox> Start(SandboxMachine machine, Image image, ISandboxDriver driver, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        await machine.Making.WaitAsync(cancellationToken);
        MakingSandbox sandbox;
        try
        {
            var place = await machine.PlaceForMaking(image, driver);
            await place.Workspace.Create();
            var (path, arguments) = place.Command(lease, MakingName.Of("image"));
            sandbox = new MakingSandbox(machine, place, Guard.Start(path, arguments, nice: 0));
        }
        catch
        {
            machine.Making.Release();
            throw;
        }
        if (await sandbox._guard.Hello()) return sandbox;
        sandbox._guard.Kill();
        var end = await sandbox._guard.Ended;
        await sandbox.DisposeAsync();
        throw new IOException($"The sandbox of {driver.Name} does not start: {(end.Words.Length > 0 ? end.Words : $"status {end.Code}")}");
    }

    /// <summary>What a shell script of root printed. Throws <see cref="IOException"/> if it fails.</summary>
    public async Task<string> Text(string script, CancellationToken cancellationToken)
    {
        var (code, output) = await Run(["/bin/sh", "-c", script], cancellationToken);
        return code == 0 ? output : throw new IOException(string.Create(CultureInfo.InvariantCulture, $"In the image, a script failed with {code}: {output}"));
    }

    public async Task<ImmutableArray<string>> Lines(string script, CancellationToken cancellationToken) =>
        [.. (await Text(script, cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    /// <summary>Runs a command of root to its end.</summary>
    public Task<(int Code, string Output)> Run(IReadOnlyList<string> words, CancellationToken cancellationToken) => Run(Placement.RootOrder([.. words]), cancellationToken);

    /// <summary>Runs a shell script of the build's own user.</summary>
    public Task<(int Code, string Output)> RunAsBuild(string script, CancellationToken cancellationToken) => Run(_place.Order("/bin/sh", "-c", script), cancellationToken);

    /// <summary>Ends it, and moves all that was changed to a new layer.</summary>
    public async Task<DerivedLayer> Keep(string layer)
    {
        await End();
        await _place.Workspace.Keep(layer);
        return new DerivedLayer(layer, _place.Slot.FirstMapped!.Value);
    }

    public async ValueTask DisposeAsync()
    {
        await End();
        await _guard.DisposeAsync();
        try
        {
            await _place.Workspace.Remove();
            Directory.Delete(_place.Slot.Directory, recursive: true);
            _place.Groups?.Remove(_place.GroupName);
        }
        finally
        {
            _machine.Making.Release();
        }
    }

    private async Task End()
    {
        _guard.Kill();
        await _guard.Ended;
    }

    private async Task<(int Code, string Output)> Run(GuardOrder order, CancellationToken cancellationToken)
    {
        using var stopping = cancellationToken.Register(_guard.Kill);
        var output = new MemoryStream();
        var end = await _guard.Run(order, bytes => output.WriteAsync(bytes, CancellationToken.None));
        cancellationToken.ThrowIfCancellationRequested();
        return (end switch
        {
            CommandEnd.Exited(var code) => code,
            CommandEnd.Signalled(var signal) => 128 + signal,
            _ => throw new IOException($"The sandbox ended: {(await _guard.Ended).Words}"),
        }, Encoding.UTF8.GetString(output.ToArray()));
    }
}
