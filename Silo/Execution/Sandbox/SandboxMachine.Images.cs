using System.Collections.Immutable;
using System.Globalization;
using Builds.Execution.Networks;
using Builds.Execution.Slots;
using Builds.Images;

namespace Builds.Execution.Sandbox;

/// <summary>What images take beyond the machine's own system; most of it where the silo is an ordinary user.</summary>
internal sealed partial class SandboxMachine
{
    /// <summary>What runs images of a kind, or why nothing does here.</summary>
    public (ISandboxDriver? Driver, string? Why) DriverOf(ImageDriver driver) => driver switch
    {
        ImageDriver.Podman => _podman is not null ? (_podman, null) : (null, "podman cannot be used here: it needs a silo that is root, podman, and crun or runc; --driver bubblewrap runs what podman has brought as well"),
        _ => _bubblewrap is not null ? (_bubblewrap, null) : (null, $"images cannot be used here: {_whyNoImages}"),
    };

    /// <summary>What runs an image that was made, or why nothing does here.</summary>
    public (ISandboxDriver? Driver, string? Why) DriverOf(Image image)
    {
        var root = _program.Subordinates?.FirstUser ?? 0;
        var found = DriverOf(image.Driver);
        return found.Driver is null || image.Root == root ? found
            : (null, string.Create(CultureInfo.InvariantCulture, $"its files belong to user {image.Root} of this machine as their root, and not to {root}: another user made it; to mend it, remove it and add it again"));
    }

    /// <summary>What an ordinary user's silo can do beyond image <c>host</c>.</summary>
    private static async Task<SandboxMachine> WithImages(ExecutionOptions options, GuardProgram program, SlotUsers users, Parts parts)
    {
        var (own, why) = SubordinateUsers.Find();
        if (own is null) return new SandboxMachine(options, program, users, parts with { WhyNoImages = why, WhyNoNetworks = why });
        var tried = new SandboxMachine(options, program, users, parts);
        if (await tried.TryImages() is { } failure) return new SandboxMachine(options, program, users, parts with { WhyNoImages = failure, WhyNoNetworks = failure });
        var (network, whyNoNetwork) = await OwnNetwork.Open(options, program, own);
        return new SandboxMachine(options, program, users, parts with { OwnNetwork = network, WhyNoNetworks = whyNoNetwork });
    }

    /// <summary>Null if images work with the silo's subordinate users, else the reason and what mends it: tried by one that is nothing but the guard's own program.</summary>
    private async Task<string?> TryImages()
    {
        var image = new Image
        {
            Name = "trial",
            Driver = ImageDriver.Bubblewrap,
            Layers = [_program.Directory],
            Root = _program.Subordinates!.FirstUser,
            Network = ImageNetwork.None,
            Source = _program.Directory,
            Added = DateTimeOffset.UnixEpoch,
        };
        return await Try(await Place(TrialSlot, image, _bubblewrap!), _ => Placement.RootOrder("/init", "wipe", "/nothing")) is not { } why ? null
            : $"a trial of subordinate users failed: {why}; it needs Linux 5.12, {Namespaces}, and setuid programs (no NoNewPrivileges in the systemd unit)";
    }

    /// <summary>The beginning of a command line that runs as root of a silo's subordinate users.</summary>
    private ImmutableArray<string> Within(SubordinateUsers own, ImmutableArray<string> groups, bool withNetwork)
    {
        ImmutableArray<string> words = [.. groups.Select(group => $"cgroup={group}"), .. own.Words];
        var (program, arguments) = withNetwork && _ownNetwork is not null ? _ownNetwork.Within(_program, words) : (_program.Init, ["enter", .. words, "--"]);
        return [program, .. arguments];
    }
}
