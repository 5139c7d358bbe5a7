using System.CommandLine;
using Builds.Commands.Client;
using Builds.Workers;

namespace Builds.Commands.Workers;

/// <summary><c>builds worker</c>: asks any server of the cluster.</summary>
internal static class WorkerCommands
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private static readonly Argument<string> Worker = new("NAME") { Description = "The worker; see 'builds worker list'." };
    private static readonly Option<string?> Note = new("--note") { Description = "Why, for people; shown in the list.", HelpName = "TEXT" };
    private static readonly Option<bool> Wait = new("--wait") { Description = "End only when nothing runs there any more." };

    private static readonly Option<string?> Deadline = new("--deadline")
    {
        Description = "How long what runs there may go on, for example 90s, 10m or 2h; then it is handed back and runs elsewhere. Default: to its end.",
        HelpName = "T",
    };

    public static Command Create()
    {
        Deadline.Validators.Add(option =>
        {
            if (option.GetValueOrDefault<string?>() is { } text && DurationText.Parse(text) is null)
                option.AddError($"--deadline: '{text}' is no span of time: a whole number of seconds, or one with s, m, h or d behind it, such as 10m");
        });
        return new Command("worker", "Lists, drains and resumes workers.")
        {
            ClientCommands.Make("list", "Lists the workers and what they run.", List),
            ClientCommands.Make("drain", "Gives a worker no new job, until it is resumed or its silo is started again.", Drain, Worker, Deadline, Note, Wait),
            ClientCommands.Make("resume", "Lets a drained worker take jobs again.", Resume, Worker),
        };
    }

    private static async Task<int> List(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var workers = await All(client, cancellationToken);
        await line.InvocationConfiguration.Output.WriteAsync(WorkerText.Table(workers.Results, TimeProvider.System.GetUtcNow()));
        return ExitCode.Done;
    }

    private static async Task<int> Drain(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var (name, output) = (line.GetRequiredValue(Worker), line.InvocationConfiguration.Output);
        var deadline = line.GetValue(Deadline) is { } text ? DurationText.Parse(text) : null;
        var worker = await client.Post<WorkerModel>(
            $"/api/workers/{Uri.EscapeDataString(name)}/drain", new { deadline = (long?)deadline?.TotalSeconds, note = line.GetValue(Note) }, cancellationToken);
        await output.WriteLineAsync($"{name}: {worker.Status}, {WorkerText.Draining(worker)}");
        if (line.GetValue(Wait))
        {
            if (worker.Status != WorkerStatus.Drained.Word())
                await UntilDrained(client, name, cancellationToken);
            await output.WriteLineAsync($"{name}: {WorkerStatus.Drained.Word()}, nothing runs there any more");
        }

        return ExitCode.Done;
    }

    private static async Task UntilDrained(BuildsClient client, string name, CancellationToken cancellationToken)
    {
        var patience = new Patience(TimeProvider.System);
        while (true)
        {
            var worker = (await patience.Ask(() => All(client, cancellationToken), cancellationToken)).Results.FirstOrDefault(worker => worker.Name == name);
            if (worker?.Status == WorkerStatus.Drained.Word())
                return;
            if (worker is null || worker.Status == WorkerStatus.Lost.Word())
                throw new CommandException(ExitCode.CouldNotRun, $"worker '{name}' went away while it drained; its jobs run elsewhere once its lease is over.");
            if (worker.Status == WorkerStatus.Ready.Word())
                throw new CommandException(ExitCode.CouldNotRun, $"worker '{name}' takes jobs again: somebody resumed it, or its silo was started again.");
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
        }
    }

    private static async Task<int> Resume(ParseResult line, BuildsClient client, CancellationToken cancellationToken)
    {
        var name = line.GetRequiredValue(Worker);
        var worker = await client.Post<WorkerModel>($"/api/workers/{Uri.EscapeDataString(name)}/resume", new { }, cancellationToken);
        await line.InvocationConfiguration.Output.WriteLineAsync($"{name}: {worker.Status}");
        return ExitCode.Done;
    }

    private static Task<WorkerList> All(BuildsClient client, CancellationToken cancellationToken) => client.Get<WorkerList>("/api/workers", cancellationToken);
}
