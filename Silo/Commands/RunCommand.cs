using System.Collections.Immutable;
using System.CommandLine;
using System.Text;
using Builds.Cluster;
using Builds.Commands.Following;
using Builds.Execution;
using Builds.Execution.Sandbox;
using Builds.Jobs;
using Builds.Logs;
using Builds.Manifests;
using Builds.Workers;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Builds.Commands;

/// <summary><c>builds run</c>: one build in a silo that lives only for it.</summary>
internal static class RunCommand
{
    private static readonly Argument<string> File = new("FILE") { Description = "The manifest, or - for standard input." };
    private static readonly Option<string?> Image = new("--image") { Description = "Build in this image, whatever the manifest names.", HelpName = "NAME" };
    private static readonly Option<string[]> Env = new("--env") { Description = "Set a variable of the build; may be given several times.", HelpName = "K=V" };
    private static readonly Option<bool> Keep = new("--keep") { Description = "Keep the data directory of the build, and say where it is." };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only say what would be done." };

    public static Command Create()
    {
        var command = new Command("run", "Builds one manifest here and now, and shows its log. Artifacts are saved below ./artifacts.");
        command.Add(File);
        command.Add(Image);
        command.Add(Env);
        command.Add(Keep);
        command.Add(DryRun);
        Env.Validators.Add(option =>
        {
            foreach (var token in option.Tokens.Where(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1))
                option.AddError($"--env takes NAME=VALUE, not '{token.Value}'");
        });
        command.SetAction((line, _) => Run(line));
        return command;
    }

    private static async Task<int> Run(ParseResult line)
    {
        var path = line.GetRequiredValue(File);
        var bytes = await ManifestFile.Read(path);
        var manifest = ManifestFile.Parse(bytes, path);
        var changes = new ManifestChanges(line.GetValue(Image), Pairs(line.GetValue(Env) ?? []));
        if (line.GetValue(DryRun))
        {
            await line.InvocationConfiguration.Output.WriteAsync(BuildPlanText.Of(changes.Apply(manifest)));
            return ExitCode.Done;
        }

        if (!manifest.Triggers.IsEmpty)
            await Console.Error.WriteLineAsync("builds: the triggers of the manifest fire on a server only, not here");
        var data = DataDirectory.Create(Path.Combine(Path.GetTempPath(), $"builds-run-{Guid.NewGuid():N}"));
        try
        {
            return await Build(data, Encoding.UTF8.GetString(bytes), manifest, changes);
        }
        finally
        {
            if (line.GetValue(Keep))
                await Console.Error.WriteLineAsync($"builds: kept {data.Path}");
            else
                await Remove(data);
        }
    }

    private static async Task Remove(DataDirectory data)
    {
        // What an ordinary user's images and their builds left belongs to his subordinate users.
        var program = new GuardProgram(Options.Create(new ExecutionOptions { DataDirectory = data.Path }));
        foreach (var directory in new[] { "images", "slots" }) await program.MustWipe(Path.Combine(data.Path, directory));
        Directory.Delete(data.Path, recursive: true);
    }

    private static async Task<int> Build(DataDirectory data, string text, BuildManifest manifest, ManifestChanges changes)
    {
        using var signals = new Signals();
        using var held = data.Lock();
        using var silo = BuildsHost.WithoutHttp(new BuildsHostOptions
        {
            Data = data,
            Settings = new Dictionary<string, string?>
            {
                [$"{WorkerOptions.Section}:{nameof(WorkerOptions.Slots)}"] = "1",
                // All of it ends with this command.
                [$"{ExecutionOptions.Section}:{nameof(ExecutionOptions.Parked)}"] = "0",
                // The build speaks for itself.
                ["Logging:LogLevel:Builds"] = "Error",
            },
            Configure = services => Change(services, manifest, changes),
        });
        if (!await Starting.Start(silo))
            return ExitCode.Interrupted;
        try
        {
            return await Follow(silo.Services, text, signals);
        }
        finally
        {
            silo.Services.GetRequiredService<WorkerHost>().HandBackNow();
            await silo.StopAsync();
        }
    }

    private static async Task<int> Follow(IServiceProvider services, string text, Signals signals)
    {
        var grains = services.GetRequiredService<IGrainFactory>();
        var id = await grains.GetGrain<IJobIdGrain>(IJobIdGrain.Jobs).Next();
        var grain = grains.GetGrain<IJobGrain>(id.Value);
        await grain.Submit(new JobSubmission { Owner = "you", Manifest = text });
        // The first signal cancels the build and shows its end, the second one leaves at once.
        await using var cancelling = signals.First.Register(() => grain.Cancel().Ignore());
        using var view = new FollowView(services.GetRequiredService<TimeProvider>());
        FollowedState end;
        try
        {
            end = await new JobFollower(new LocalJob(grain, services.GetRequiredService<ILogStore>()), view, services.GetRequiredService<TimeProvider>())
                .Follow(toEnd: true, signals.Second);
        }
        catch (OperationCanceledException) when (signals.Second.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }

        await SavedArtifacts.Save(services, grain);
        if (signals.First.IsCancellationRequested)
            return ExitCode.Interrupted;
        return end.IsSuccess ? ExitCode.Done : end.Reason == FailReason.Internal.Word() ? ExitCode.CouldNotRun : ExitCode.BuildFailed;
    }

    private static void Change(IServiceCollection services, BuildManifest manifest, ManifestChanges changes) =>
        services.Replace(ServiceDescriptor.Singleton<IBuildExecutor>(
            provider => new RunExecutor(provider.GetRequiredService<BuildExecutor>(), manifest, changes)));

    private static ImmutableArray<KeyValuePair<string, string>> Pairs(IEnumerable<string> texts) =>
        [.. texts.Select(text => text.Split('=', 2)).Select(parts => KeyValuePair.Create(parts[0], parts[1]))
            .Reverse().DistinctBy(pair => pair.Key).Reverse()];
}
