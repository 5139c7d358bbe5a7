using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution;
using Builds.Execution.Limits;
using Builds.Execution.Packages;
using Builds.Execution.Sandbox;

namespace Builds.Images;

/// <summary>One thing that was tried.</summary>
/// <param name="Works">Null: it is as it is, and no mistake.</param>
internal sealed record TrialLine(bool? Works, string What);

/// <summary>Says in plain words what works in an image on this machine.</summary>
internal static class ImageTrial
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);

    public static async Task<ImmutableArray<TrialLine>> Try(SandboxMachine machine, Image image, CancellationToken cancellationToken)
    {
        var lines = ImmutableArray.CreateBuilder<TrialLine>();
        var (driver, why) = machine.DriverOf(image);
        if (driver is null) return [new TrialLine(false, $"sandbox: {why}")];
        var place = await machine.Place(SandboxMachine.MakingSlot, image, driver);
        lines.Add(place.Surroundings.HasSpace
            ? new(true, string.Create(CultureInfo.InvariantCulture, $"disk: at most {place.Limits.Disk >> 20} MiB, a file system of the build's own"))
            : new(false, $"disk: not limited: {machine.WhyNoSpaces}"));
        lines.Add(machine.Groups is not null
            ? new(true, string.Create(CultureInfo.InvariantCulture, $"limits: {place.Limits.Memory >> 20} MiB of memory, {place.Limits.Processes} processes ({ControlGroups.Version})"))
            : new(false, $"limits: of memory only for single processes: {machine.WhyNoGroups}"));
        await using var sandbox = await MakingSandbox.Start(machine, image, driver, BootClock.Now + Lease, cancellationToken);
        lines.Insert(0, new(true, $"sandbox: {driver.Name} starts"));
        foreach (var kind in new[] { "user", "pid", "mnt", "ipc", "uts", "net" })
        {
            var inside = (await sandbox.Text($"readlink /proc/self/ns/{kind}", cancellationToken)).Trim();
            var separate = inside != new FileInfo($"/proc/self/ns/{kind}").LinkTarget;
            lines.Add(new(kind == "net" ? null : separate, $"namespace {kind}: {(separate ? "its own" : "the machine's")}"));
        }
        lines.Add(await Check(sandbox, "id -un", "build", "user: builds are user build", cancellationToken));
        lines.Add(await Check(sandbox, "sudo id -u", "0", "sudo: becomes root of the sandbox", cancellationToken));
        foreach (var program in new[] { "bash", "git", "curl", "ssh", "gpg" })
            lines.Add(await Check(sandbox, $"command -v {program} >/dev/null && echo there", "there", $"program: {program}", cancellationToken));
        var manager = PackageManagers.Of(await sandbox.Text(PackageManagers.Probe, cancellationToken));
        lines.Add(new(manager is not null || image.Install is not null,
            image.Install is { } install ? $"packages: by '{install}'" : manager is { } known ? $"packages: by {known.ToString().ToLowerInvariant()}" : "packages: no package manager that is known"));
        lines.Add(new(null, image.Network switch
        {
            ImageNetwork.None => "network: none",
            ImageNetwork.Host => "network: the machine's own",
            _ when !machine.HasNat => $"network: {(SandboxMachine.IsRoot ? "the machine's own" : "none")}: {machine.WhyNoNetworks}",
            _ => "network: of the build's own, through this machine",
        }));
        return lines.ToImmutable();
    }

    private static async Task<TrialLine> Check(MakingSandbox sandbox, string script, string expected, string what, CancellationToken cancellationToken)
    {
        var (code, output) = await sandbox.RunAsBuild(script, cancellationToken);
        var printed = output.Trim();
        return code == 0 && printed == expected ? new TrialLine(true, what)
            : new TrialLine(false, $"{what}: no ({(printed.Length > 0 ? printed.ReplaceLineEndings("; ") : $"exit status {code.ToString(CultureInfo.InvariantCulture)}")})");
    }
}
