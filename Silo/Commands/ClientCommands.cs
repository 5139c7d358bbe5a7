using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Builds.Commands.Client;
using Builds.Commands.Following;
using Builds.Jobs;
using Builds.Queue;

namespace Builds.Commands;

/// <summary>What can be done with the jobs of a server.</summary>
internal static class ClientCommands
{
    private static readonly Argument<int> Id = new("ID") { Description = "The number of the job.", CustomParser = ReadId };
    private static readonly Argument<string> File = new("FILE") { Description = "The manifest, or - for standard input." };
    private static readonly Option<string[]> Tags = new("--tag") { Description = "A tag of the job; may be given several times.", HelpName = "T" };
    private static readonly Option<string?> Note = new("--note") { Description = "A note for people, in Markdown.", HelpName = "N" };
    private static readonly Option<int> Priority = new("--priority") { Description = "-10 to 10: among your own jobs, higher is earlier. Default 0.", HelpName = "P" };
    private static readonly Option<string> Pool = new("--pool") { Description = "Run it on workers of this pool. Default: default.", HelpName = "POOL", DefaultValueFactory = _ => Placement.DefaultPool };
    private static readonly Option<string[]> Labels = new("--label") { Description = "Run it on workers that carry this label; may be given several times.", HelpName = "L" };
    private static readonly Option<bool> Follow = new("--follow") { Description = "Show the log until the job has ended; the exit status says how." };
    private static readonly Option<bool> FollowLog = new("--follow", "-f") { Description = "Go on until the job has ended; the exit status says how." };

    private static readonly Option<bool> Timeline = new("--timeline") { Description = "Also what was decided about it and when: claims, losses, who asked for what." };

    public static IEnumerable<Command> Create() =>
    [
        Make("submit", "Submits a manifest to a server.", Submit, File, Tags, Note, Priority, Pool, Labels, Follow),
        Make("log", "Shows the log of a job.", Log, Id, FollowLog),
        Make("show", "Shows what is known of a job.", Show, Id, Timeline),
        Make("list", "Lists your newest jobs.", List),
        Make("cancel", "Cancels a job.", Cancel, Id),
    ];

    internal static Command Make(string name, string description, Func<ParseResult, BuildsClient, CancellationToken, Task<int>> action, params Symbol[] symbols) =>
        Make(name, description, symbols, async (line, cancellationToken) =>
        {
            using var client = ServerAddress.Connect(line);
            return await action(line, client, cancellationToken);
        });

    /// <summary>
    /// A command that asks a server. The first signal ends it; what it asked the server for goes on there.
    /// </summary>
    internal static Command Make(string name, string description, IReadOnlyCollection<Symbol> symbols, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        var command = new Command(name, description);
        foreach (var argument in symbols.OfType<Argument>())
            command.Add(argument);
        foreach (var option in symbols.OfType<Option>())
            command.Add(option);
        ServerAddress.AddTo(command);
        command.SetAction((line, _) => Interruptible(cancellationToken => action(line, cancellationToken)));
        return command;
    }

    private static int ReadId(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (!JobId.TryParse(text, out var id))
            argument.AddError($"'{text}' is no number of a job: a whole number from 1 to {int.MaxValue}; see 'builds list'");
        return id.Value;
    }

    private static async Task<int> Interruptible(Func<CancellationToken, Task<int>> action)
    {
        using var signals = new Signals();
        try
        {
            return await action(signals.First);
        }
        catch (OperationCanceledException) when (signals.First.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
    }

    private static async Task<int> Submit(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var path = line.GetRequiredValue(File);
        var bytes = await ManifestFile.Read(path);
        // The server would say the same, but not in which file.
        ManifestFile.Parse(bytes, path);
        var job = await client.Submit(
            Encoding.UTF8.GetString(bytes),
            line.GetValue(Note),
            line.GetValue(Tags) ?? [],
            line.GetValue(Priority),
            line.GetRequiredValue(Pool),
            line.GetValue(Labels) ?? [],
            cancellationToken);
        if (line.GetValue(Follow))
            return await Watch(client, job.Id, toEnd: true, cancellationToken);
        await line.InvocationConfiguration.Output.WriteLineAsync($"{job.Id}");
        return ExitCode.Done;
    }

    private static Task<int> Log(ParseResult line, BuildsClient client, CancellationToken cancellationToken) =>
        Watch(client, line.GetValue(Id), line.GetValue(FollowLog), cancellationToken);

    private static async Task<int> Watch(BuildsClient client, int id, bool toEnd, CancellationToken cancellationToken)
    {
        using var view = new FollowView(TimeProvider.System);
        var job = await new JobFollower(new RemoteJob(client, id, new Patience(TimeProvider.System)), view, TimeProvider.System).Follow(toEnd, cancellationToken);
        return !toEnd || job.IsSuccess ? ExitCode.Done : ExitCode.BuildFailed;
    }

    private static async Task<int> Show(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var job = await client.Job(line.GetValue(Id), cancellationToken);
        var artifacts = await client.Artifacts(job.Id, cancellationToken);
        var timeline = line.GetValue(Timeline) ? (await client.Timeline(job.Id, cancellationToken)).Results : [];
        await line.InvocationConfiguration.Output.WriteAsync(JobText.Of(job, artifacts.Results) + JobText.Timeline(timeline));
        return ExitCode.Done;
    }

    private static async Task<int> List(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var page = await client.Jobs(cancellationToken);
        foreach (var job in page.Results)
            await line.InvocationConfiguration.Output.WriteLineAsync(JobText.Line(job));
        if (page.Total > page.Results.Length)
            await line.InvocationConfiguration.Error.WriteLineAsync($"builds: the newest {page.Results.Length} of {page.Total} jobs");
        return ExitCode.Done;
    }

    private static async Task<int> Cancel(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        await client.Cancel(line.GetValue(Id), cancellationToken);
        return ExitCode.Done;
    }
}
