using System.Text.RegularExpressions;

namespace Builds.Execution.Packages;

/// <summary>
/// What the values of <c>repositories</c> mean to each package manager (contract/manifest section 7). They are often folded scalars: a
/// final line end and blanks for line breaks count for nothing. What they say is only ever an argument of the scripts here.
/// </summary>
internal static partial class Repositories
{
    private const string Fetch = """
        fetch() { if command -v curl >/dev/null; then curl -fsSL -o "$2" "$1"; else wget -q -O "$2" "$1"; fi; }

        """;

    // $1 is the line, $2 the address of the key and $3 its file, which may be missing.
    private const string Apk = Fetch + """
        [ -z "$3" ] || fetch "$2" "/etc/apk/keys/$3"
        printf '%s\n' "$1" >>/etc/apk/repositories
        """;

    // $1 is the name, $2 the line, $3 the id of the key, which may be missing.
    private const string Apt = """
        if [ -n "$3" ]; then
          command -v gpg >/dev/null || { apt-get -q update; apt-get -q -y install gnupg; }
          home=$(mktemp -d)
          gpg --homedir "$home" --batch --keyserver hkps://keyserver.ubuntu.com --recv-keys "$3"
          gpg --homedir "$home" --batch --export "$3" >"/etc/apt/trusted.gpg.d/$1.gpg"
          rm -rf "$home"
        fi
        printf '%s\n' "$2" >"/etc/apt/sources.list.d/$1.list"
        """;

    // $1 is the name, $2 the address, $3 the id of the key, which may be missing.
    private const string Pacman = """
        if [ -n "$3" ]; then pacman-key --recv-keys "$3"; pacman-key --lsign-key "$3"; fi
        printf '[%s]\nServer = %s\n' "$1" "$2" >>/etc/pacman.conf
        """;

    private const string Dnf = Fetch + """
        fetch "$2" "/etc/yum.repos.d/$1.repo"
        if dnf config-manager --help >/dev/null 2>&1; then dnf config-manager --set-enabled "$1" || dnf config-manager setopt "$1.enabled=1"; fi
        """;

    private const string Zypper = """zypper --non-interactive addrepo --refresh "$2" "$1" """;

    private const string Nix = """nix-channel --add "$2" "$1" """;

    /// <summary>A shell script and its arguments; null if the value means nothing: <see cref="Mistake"/>.</summary>
    public static (string Script, string[] Arguments)? Add(PackageManager manager, string name, string value)
    {
        var words = value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (!Name().IsMatch(name) || words.Length == 0)
            return null;
        switch (manager)
        {
            case PackageManager.Apk when WithoutRemark(words) is { Length: 1 or 3 } parts:
                var line = name.StartsWith('@') ? $"{name} {parts[0]}" : parts[0];
                return parts.Length == 3 && HasKey(parts[2]) ? (Apk, [line, parts[1], parts[2]]) : (Apk, [line, "", ""]);
            case PackageManager.Apt when words.Length is 3 or 4:
                return (Apt, [name, $"deb {words[0]} {words[1]} {words[2]}", words.ElementAtOrDefault(3) ?? ""]);
            case PackageManager.Pacman when words.Length == 1:
                var signed = words[0].Split('#', 2);
                return (Pacman, [name, signed[0], signed.ElementAtOrDefault(1) ?? ""]);
            case PackageManager.Dnf when words.Length == 1:
                return (Dnf, [name, words[0]]);
            case PackageManager.Zypper when words.Length == 1:
                return (Zypper, [name, words[0]]);
            case PackageManager.Nix when words.Length == 1:
                return (Nix, [name, words[0]]);
            default:
                return null;
        }
    }

    /// <summary>What is wrong with an entry that <see cref="Add"/> refuses.</summary>
    public static string Mistake(PackageManager manager, string name, string value)
    {
        if (!Name().IsMatch(name))
            return $"'{name}' is no name for a repository: letters, digits, '.', '_' and '-', and an '@' at the beginning for pinned ones of alpine";
        var shape = manager switch
        {
            PackageManager.Apk => "URL KEY-URL KEY-FILENAME, or URL alone",
            PackageManager.Apt => "URL SUITE COMPONENT, and the id of the key if there is one",
            PackageManager.Pacman => "URL#KEYID, or URL alone",
            PackageManager.Dnf => "the address of a .repo file",
            PackageManager.Zypper => "a URL",
            PackageManager.Nix => "the URL of a channel",
            _ => null,
        };
        return shape is null ? $"{name}: images of this kind have none" : $"{name} is '{value.Trim()}', but it takes {shape}";
    }

    /// <summary>What was meant as a remark is text in a folded scalar.</summary>
    private static string[] WithoutRemark(string[] words) => [.. words.TakeWhile(word => !word.StartsWith('#'))];

    /// <summary>Manifests whose repository has no key write one to nowhere, since elsewhere all three words are wanted; there may be nothing at its address.</summary>
    private static bool HasKey(string file) => !file.EndsWith("/dev/null", StringComparison.Ordinal);

    [GeneratedRegex(@"\A@?[A-Za-z0-9][A-Za-z0-9._-]*\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Name();
}
