using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Builds.Commands;

/// <summary>Help that ends with examples to copy.</summary>
internal sealed class HelpExamples(HelpAction inner) : SynchronousCommandLineAction
{
    private static readonly Dictionary<string, string[]> Examples = new(StringComparer.Ordinal)
    {
        [""] =
        [
            "builds                                      serve on http://127.0.0.1:5080, data in ./data",
            "builds run Silo/examples/hello.yml          build one manifest here and now, without a server",
            "builds submit .build.yml --follow           give it to the server on ./data and watch",
            "builds log 7 -f                             watch job 7",
        ],
        ["serve"] =
        [
            "builds serve --data /var/lib/builds --slots 4",
            "builds serve --urls http://0.0.0.0:80 --origin https://builds.example.org",
        ],
        ["run"] =
        [
            "builds run .build.yml",
            "builds run .build.yml --image host --env version=1.2 --env verbose=1",
            "builds run .build.yml --dry-run",
        ],
        ["submit"] =
        [
            "builds submit .build.yml --tag project --tag main --note 'nightly build' --follow",
            "BUILDS_URL=https://builds.example.org BUILDS_TOKEN=... builds submit .build.yml",
        ],
        ["log"] = ["builds log 7", "builds log 7 -f"],
        ["show"] = ["builds show 7", "builds show 7 --timeline"],
        ["list"] = ["builds list", "builds list --url https://builds.example.org"],
        ["cancel"] = ["builds cancel 7"],
        ["token"] = ["builds token create --user mia --scopes jobs:read,jobs:write --days 90", "builds token list"],
        ["token create"] =
        [
            "builds token create --user mia --scopes jobs:read,jobs:write --days 90",
            "BUILDS_TOKEN=$(builds token create --user ci --scopes jobs:write) builds submit .build.yml --url http://127.0.0.1:5080",
        ],
        ["token list"] = ["builds token list --user mia"],
        ["token revoke"] = ["builds token revoke Xr4tPq9Z"],
        ["secret"] = ["builds secret add ~/.ssh/deploy --type ssh_key --name deploy-key", "builds secret list"],
        ["secret add"] =
        [
            "builds secret add ~/.ssh/deploy --type ssh_key --name deploy-key",
            "gpg --armor --export-secret-keys releases@example.org | builds secret add - --type pgp_key",
            "builds secret add ./netrc --type plaintext_file --path '~/.netrc' --mode 600 --name netrc",
        ],
        ["secret list"] = ["builds secret list"],
        ["secret share"] = ["builds secret share deploy-key mia"],
        ["secret remove"] = ["builds secret remove deploy-key"],
        ["secret rotate-keys"] = ["builds secret rotate-keys"],
        ["worker"] = ["builds worker list", "builds worker drain north --deadline 10m --note 'new disk' --wait", "builds worker resume north"],
        ["worker list"] = ["builds worker list"],
        ["worker drain"] =
        [
            "builds worker drain north --note 'new disk'            what runs goes on to its end",
            "builds worker drain north --deadline 10m --wait        after 10 minutes the rest runs elsewhere; ends when nothing is left",
            "builds worker drain north --deadline 0                 all goes elsewhere at once",
        ],
        ["worker resume"] = ["builds worker resume north"],
        ["queue"] = ["builds queue"],
        ["image"] = ["builds image add debian/stable", "builds image test debian/stable", "builds image list"],
        ["image list"] = ["builds image list"],
        ["image add"] =
        [
            "builds image add debian/stable                      of docker.io/library/debian:stable",
            "builds image add debian/stable --rootfs ./debian.tar --driver bubblewrap",
            "builds image add busybox --rootfs ./busybox --plain --preamble ./preamble.sh --network none",
        ],
        ["image remove"] = ["builds image remove debian/stable"],
        ["image test"] = ["builds image test debian/stable"],
        ["shell"] =
        [
            "builds shell                                what is kept here, and until when",
            "builds shell 42                             a terminal in what job 42 left",
            "echo 'cat build.log' | builds shell 42      the exit status is the shell's",
            "builds shell 42 --end",
        ],
        ["webhook"] = ["builds webhook key"],
        ["webhook key"] = ["builds webhook key", "builds webhook key --pem > builds.pem"],
        ["migrate"] = ["builds migrate --cluster 'Host=db.example;Database=builds;Username=builds;Password=...'"],
        ["import"] = ["builds import --from data/builds.db --cluster 'Host=db.example;Database=builds;Username=builds;Password=...' --store /srv/builds"],
    };

    public override int Invoke(ParseResult parseResult)
    {
        var status = inner.Invoke(parseResult);
        var command = parseResult.CommandResult.Command;
        var output = parseResult.InvocationConfiguration.Output;
        if (Examples.TryGetValue(PathOf(command), out var examples))
        {
            output.WriteLine("Examples:");
            foreach (var example in examples)
                output.WriteLine($"  {example}");
            output.WriteLine();
        }

        if (command is RootCommand)
            output.WriteLine("Exit status: 0 done, 1 the build failed, 2 bad manifest or usage, 3 could not run, 130 interrupted.");
        return status;
    }

    /// <summary>The words of a command, without the program's own.</summary>
    private static string PathOf(Symbol command)
    {
        var above = command.Parents.OfType<Command>().FirstOrDefault(parent => parent is not RootCommand);
        return command is RootCommand ? "" : above is null ? command.Name : $"{PathOf(above)} {command.Name}";
    }

    /// <summary>Adds them to the help of all commands.</summary>
    public static void AddTo(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpExamples((HelpAction)help.Action!);
    }
}
