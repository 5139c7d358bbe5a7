using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Builds.Execution.Sandbox;

namespace Builds.Execution.Parking;

/// <summary>
/// The command of a shell for people: with the environment that a task begins with, its arrays and functions too. It is no login shell, as
/// tasks have none: <c>/etc/profile</c> would set another PATH than theirs.
/// </summary>
internal static partial class ShellScript
{
    /// <summary>$1 is what bash begins with, $2 what it reads first. That comes through a pipe, since the disk may be full; bash has its end of it as 63.</summary>
    private const string WithBash = "if command -v bash >/dev/null; then exec bash -c \"$1\" bash \"$2\"; fi; echo 'There is no bash here, and the shell knows nothing of ~/.buildenv.' >&2; exec sh";

    private const string AtTerminal = "exec bash --rcfile /dev/fd/9 -i 9< <(printf %s \"$1\")";
    private const string ReadAtTerminal = "exec 9<&- 63<&-\n[ ! -f ~/.bashrc ] || . ~/.bashrc\n. ~/.buildenv\n";

    private const string AtPipes = "BASH_ENV=/dev/fd/9 exec bash -s 9< <(printf %s \"$1\")";
    private const string ReadAtPipes = "exec 9<&- 63<&-\nunset BASH_ENV\n. ~/.buildenv\n";

    /// <param name="kind">What TERM says, where there is a terminal; null: there are pipes.</param>
    public static GuardOrder Order(Placement place, string? kind)
    {
        var order = place.Order([.. Words(place.Image?.Preamble, kind is not null)]);
        return kind is null || !Kind().IsMatch(kind) ? order : order with { Environment = [.. order.Environment.Where(variable => variable.Key != "TERM"), new("TERM", kind)] };
    }

    private static ImmutableArray<string> Words(string? preamble, bool terminal)
    {
        if (preamble is null)
            return terminal ? ["/bin/sh", "-c", WithBash, "sh", AtTerminal, ReadAtTerminal] : ["/bin/sh", "-c", WithBash, "sh", AtPipes, ReadAtPipes];
        // The shell that the image's own preamble is for.
        var interpreter = preamble.StartsWith("#!", StringComparison.Ordinal) ? preamble.Split('\n')[0][2..].Trim() : "/bin/sh";
        return [.. interpreter.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-c", $"{preamble}\n{{ set +ex; }} 2>/dev/null\nexec {interpreter}"];
    }

    [GeneratedRegex(@"\A[A-Za-z0-9.+_-]{1,64}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Kind();
}
