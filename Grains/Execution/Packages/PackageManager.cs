namespace Builds.Execution.Packages;

/// <summary>What installs packages in an image (contract/manifest section 7).</summary>
public enum PackageManager
{
    Apk,
    Apt,
    Dnf,
    Pacman,
    Zypper,
    Nix,
    Guix,
}

/// <summary>Finding out which one an image has.</summary>
public static class PackageManagers
{
    /// <summary>A POSIX shell script that prints the programs of package managers that the image has, one a line, the one to use first.</summary>
    public const string Probe = "for m in apk apt-get dnf pacman zypper nix-env guix; do command -v \"$m\" >/dev/null && echo \"$m\"; done; true";

    /// <summary>What the first line of the probe's output means; null: the image has none that is known.</summary>
    public static PackageManager? Of(string probed)
    {
        ArgumentNullException.ThrowIfNull(probed);
        return probed.Split('\n')[0].Trim() switch
        {
            "apk" => PackageManager.Apk,
            "apt-get" => PackageManager.Apt,
            "dnf" => PackageManager.Dnf,
            "pacman" => PackageManager.Pacman,
            "zypper" => PackageManager.Zypper,
            "nix-env" => PackageManager.Nix,
            "guix" => PackageManager.Guix,
            _ => null,
        };
    }

    /// <summary>The package that brings a program which builds need of every image: bash, git, curl, sudo, ssh or gpg.</summary>
    public static string PackageOf(PackageManager manager, string program) => (program, manager) switch
    {
        ("ssh", PackageManager.Apt or PackageManager.Apk) => "openssh-client",
        ("ssh", PackageManager.Dnf or PackageManager.Zypper) => "openssh-clients",
        ("ssh", _) => "openssh",
        ("gpg", PackageManager.Dnf) => "gnupg2",
        ("gpg", PackageManager.Zypper) => "gpg2",
        ("gpg", _) => "gnupg",
        _ => program,
    };

    /// <summary>The manager of the images of a name, whose first part is the family; null: not known by its name.</summary>
    public static PackageManager? OfImage(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Split('/')[0] switch
        {
            "alpine" => PackageManager.Apk,
            "debian" or "ubuntu" => PackageManager.Apt,
            "fedora" or "rockylinux" => PackageManager.Dnf,
            "archlinux" => PackageManager.Pacman,
            "opensuse" => PackageManager.Zypper,
            "nixos" => PackageManager.Nix,
            "guix" => PackageManager.Guix,
            _ => null,
        };
    }
}
