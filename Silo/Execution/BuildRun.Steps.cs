using System.Diagnostics;
using System.Globalization;
using Builds.Artifacts;
using Builds.Execution.Sandbox;
using Builds.Jobs;

namespace Builds.Execution;

internal sealed partial class BuildRun
{
    private const int ScriptMode = 0b111_101_101;

    /// <summary>What a shell cannot hold was refused before.</summary>
    private string EnvironmentText =>
        ((BuildEnvironmentResult.Written)BuildScripts.Environment(plan.Manifest, plan.Job, plan.JobUrl, plan.Attempt, plan.Token)).Text;

    private async Task<BuildOutcome> Steps()
    {
        foreach (var remark in place.Remarks) await Say(remark);
        if (!await _guard.Hello()) return await Lost();
        _up = true;
        return await WriteScripts() ?? await PlaceSecrets() ?? await ConfigureHut() ?? await InstallPackages() ?? await CloneSources() ?? await RunTasks() ?? await CollectArtifacts() ?? await LostWrites() ?? new BuildOutcome.Succeeded();
    }

    private async Task<BuildOutcome?> WriteScripts()
    {
        if (await WriteFile(".buildenv", EnvironmentText, ScriptMode) is { } failure) return failure;
        foreach (var task in plan.Manifest.Tasks)
            if (await WriteFile($".tasks/{task.Name}", BuildScripts.Task(task, place.Image?.Preamble), ScriptMode) is { } failed) return failed;
        return null;
    }

    /// <summary>Writes a file of the build, by its path in the home or an absolute one. Null if that worked.</summary>
    private async Task<BuildOutcome?> WriteFile(string path, string text, int mode) =>
        await FailureOf(await _guard.Run(place.FileOrder(path, text, mode), Drop), $"Writing {path}", FailReason.Setup);

    private async ValueTask TaskOutput(ReadOnlyMemory<byte> output)
    {
        await recorder.TaskOutput(output, _kill);
        await _pace.Take(output.Length, _kill);
    }

    private static ValueTask Drop(ReadOnlyMemory<byte> output) => ValueTask.CompletedTask;

    private async Task<BuildOutcome?> RunTasks()
    {
        var tasks = plan.Manifest.Tasks;
        for (var i = 0; i < tasks.Length; i++)
        {
            if (Stopping) return new BuildOutcome.Stopped();
            await Say($"Running task {tasks[i].Name}");
            await recorder.TaskStarted(i, _kill);
            _running = i;
            (_tasksRan, _before) = (true, place.Hits());
            var end = await _guard.Run(place.Order($"./.tasks/{tasks[i].Name}"), TaskOutput);
            if (await FailureOf(end, $"Task {tasks[i].Name}", FailReason.Task) is { } failure) return failure;
            await EndTask(i, BuildTaskStatus.Success);
            if (i + 1 == tasks.Length || !await IsComplete()) continue;
            await Say("The build is complete: the other tasks are skipped");
            for (var rest = i + 1; rest < tasks.Length; rest++) await recorder.TaskEnded(rest, BuildTaskStatus.Skipped, _kill);
            break;
        }
        return null;
    }

    /// <summary>Null if a command did what it should.</summary>
    private async Task<BuildOutcome?> FailureOf(CommandEnd end, string what, FailReason reason)
    {
        if (end is CommandEnd.Lost) return await Lost();
        if (Stopping) return new BuildOutcome.Stopped();
        if (end is CommandEnd.Exited(0)) return null;
        var how = end is CommandEnd.Signalled(var signal)
            ? $"{what} was ended by signal {signal.ToString(CultureInfo.InvariantCulture)}"
            : $"{what} failed with exit status {((CommandEnd.Exited)end).Code.ToString(CultureInfo.InvariantCulture)}";
        if (_running >= 0) await EndTask(_running, BuildTaskStatus.Failed);
        await Say(how);
        if (await LostWrites() is { } lost) return lost;
        if (place.LimitReached(_before) is { } limit) return await Fail(FailReason.Limit, $"{how}: {limit}.");
        if (await DiskIsFull()) return await Fail(FailReason.Limit, $"{how}: it filled its disk of {place.Limits.Disk >> 20} MiB, the limit for a build.");
        return new BuildOutcome.Failed(reason, $"{how}.");
    }

    /// <summary>
    /// Whether the build's disk lost something, which has to be asked only where the machine's own was nearly full; null: no. A build that leaves
    /// no way to ask, without a home or with too many processes, is no fault of the machine.
    /// </summary>
    private async Task<BuildOutcome?> LostWrites()
    {
        const int BadDisk = 5, NoSpace = 28;
        return _room is { WasShort: true } && await _guard.Run(place.Order(place.Home) with { SyncsDisk = true }, Drop) is CommandEnd.Exited(BadDisk or NoSpace)
            ? await Broken(recorder, "its disk was full, and what the build wrote is lost.")
            : null;
    }

    private async Task<bool> DiskIsFull()
    {
        const int NoSpace = 28;
        return place.Surroundings.HasSpace && await _guard.Run(place.Order(place.Home) with { FindsRoom = true }, Drop) is CommandEnd.Exited(NoSpace);
    }

    private async Task EndTask(int index, BuildTaskStatus status)
    {
        _running = -1;
        try
        {
            // Told also when everything is being killed: the task did end.
            await recorder.TaskEnded(index, status, CancellationToken.None);
        }
        catch (Logs.AttemptClosedException) when (status == BuildTaskStatus.Failed)
        {
            // The attempt was given up, and so was its end.
        }
    }

    private async Task<bool> IsComplete() =>
        await _guard.Run(Reading(BuildScripts.CompleteMarker), Drop) is CommandEnd.Exited(0);

    private async Task<BuildOutcome?> CollectArtifacts()
    {
        switch (ArtifactRules.Choose(plan.Manifest.Artifacts))
        {
            case ArtifactChoice.None(var line):
                await Say(line);
                return null;
            case ArtifactChoice.Collect(var paths):
                foreach (var path in paths)
                    if (Stopping) return new BuildOutcome.Stopped();
                    else if (await Collect(path) is { } failure) return failure;
                return null;
            default:
                throw new UnreachableException();
        }
    }

    private async Task<BuildOutcome?> Collect(string path)
    {
        await Say($"Keeping artifact {path}");
        if (ArtifactRules.Inside(path) is not { } inside)
            return await Fail(FailReason.Artifact, $"Artifact {path} cannot be kept: it names no file below the home directory {BuildScripts.Home}");
        _guard.Begin(Reading(inside));
        await using var content = new GuardFileStream(_guard, path);
        try
        {
            await content.Open();
            await recorder.StoreArtifact(path, content, _kill);
            return null;
        }
        catch (GuardFileException e)
        {
            if (e.End is CommandEnd.Lost) return await Lost();
            return Stopping ? new BuildOutcome.Stopped() : await Fail(FailReason.Artifact, e.Message);
        }
        catch (ArtifactTooLargeException e)
        {
            return await Fail(FailReason.Artifact, e.Message);
        }
    }

    private bool Stopping => _stop.IsCancellationRequested || _kill.IsCancellationRequested;

    private ValueTask Say(string line) => recorder.Say(line, _kill);

    private async Task<BuildOutcome> Fail(FailReason reason, string why)
    {
        await Say(why);
        return new BuildOutcome.Failed(reason, why);
    }

    private GuardOrder Reading(string path) => place.Order(path) with { ReadsFile = true };
}
