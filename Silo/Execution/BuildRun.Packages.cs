using System.Diagnostics;
using System.Text;
using Builds.Execution.Packages;
using Builds.Execution.Sandbox;
using Builds.Jobs;

namespace Builds.Execution;

internal sealed partial class BuildRun
{
    /// <summary>Adds the repositories and installs the packages, by what the image has for that. Null if all of it worked.</summary>
    private async Task<BuildOutcome?> InstallPackages()
    {
        var manifest = plan.Manifest;
        if (manifest.Packages.IsEmpty && manifest.Repositories.IsEmpty) return null;
        if (!place.Driver.HasRoot)
            return await Fail(FailReason.Setup, $"Packages and repositories cannot be installed here: driver {place.Driver.Name} has no root in image {manifest.Image}");
        var (manager, failure) = await FindPackageManager();
        if (failure is not null) return failure;
        if (manager is not { } found)
            return await Fail(FailReason.Setup, $"Image {manifest.Image} has no package manager that is known; name its command with 'builds image add --install'");
        switch (PackageSetup.Of(manifest, found, place.Image?.Install))
        {
            case SetupCommands.Refused(var reasons):
                foreach (var reason in reasons) await Say(reason);
                return new BuildOutcome.Failed(FailReason.Setup, string.Join("; ", reasons));
            case SetupCommands.Written(var commands):
                foreach (var command in commands)
                    if (await RunSetup(command) is { } failed) return failed;
                return null;
            default:
                throw new UnreachableException();
        }
    }

    private async Task<(PackageManager? Manager, BuildOutcome? Failure)> FindPackageManager()
    {
        // With a command of its own the image needs no manager; repositories then go by its name.
        if (place.Image?.Install is not null) return (PackageManagers.OfImage(plan.Manifest.Image) ?? PackageManager.Apt, null);
        var printed = new MemoryStream();
        var end = await _guard.Run(Placement.RootOrder("/bin/sh", "-c", PackageManagers.Probe), bytes => printed.WriteAsync(bytes, _kill));
        var failure = await FailureOf(end, "Looking for a package manager", FailReason.Setup);
        return (PackageManagers.Of(Encoding.UTF8.GetString(printed.ToArray())), failure);
    }

    private async Task<BuildOutcome?> RunSetup(SetupCommand command)
    {
        if (Stopping) return new BuildOutcome.Stopped();
        await Say(command.What);
        var order = command.AsRoot ? Placement.RootOrder([.. command.Words]) : place.Order([.. command.Words]);
        return await FailureOf(await _guard.Run(order, bytes => recorder.SetupOutput(bytes, _kill)), command.What, FailReason.Setup);
    }
}
