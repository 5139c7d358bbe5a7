using System.CommandLine;
using Builds.Cluster;
using Builds.Users;
using Builds.Workers;
using Microsoft.Extensions.Options;

namespace Builds.Commands;

/// <summary><c>builds serve</c>: the service itself, until a signal ends it.</summary>
internal static class ServeCommand
{
    private static readonly Option<string> Urls = new("--urls")
    {
        Description = "Where to listen, separated by semicolons. Port 0 takes a free one.",
        HelpName = "URLS",
        DefaultValueFactory = _ => BuildsHostOptions.DefaultUrls,
    };

    private static readonly Option<string?> Origin = new("--origin")
    {
        Description = "The address under which others reach this service; it goes into every link and JOB_URL. Default: where it listens.",
        HelpName = "URL",
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "The directory of everything that the service keeps. Made if it is not there.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "./data",
    };

    private static readonly Option<int?> Slots = new("--slots")
    {
        Description = "How many jobs run at a time. Default: one per processor.",
        HelpName = "N",
    };

    public static Command Create(string name)
    {
        var command = new Command(name, "Serves until a signal ends it. What runs when no command is given.");
        AddValidators();
        command.Add(Urls);
        command.Add(Origin);
        command.Add(Data);
        command.Add(Slots);
        command.SetAction((line, _) => Serve(line));
        return command;
    }

    private static void AddValidators()
    {
        Urls.Validators.Add(option =>
        {
            var urls = option.GetValueOrDefault<string>();
            // None at all would leave it to the framework where to listen.
            foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries).DefaultIfEmpty(urls).Where(url => !IsListenAddress(url)))
                option.AddError($"--urls: '{url}' is no address to listen on; it looks like {BuildsHostOptions.DefaultUrls}");
        });
        Origin.Validators.Add(option =>
        {
            if (option.GetValueOrDefault<string?>() is { } origin && !(Uri.TryCreate(origin, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
                option.AddError($"--origin: '{origin}' is no address; it looks like https://builds.example.org");
        });
    }

    private static bool IsListenAddress(string url)
    {
        try
        {
            return BindingAddress.Parse(url) is { Scheme: "http" or "https", Port: >= 0 and <= ushort.MaxValue };
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static async Task<int> Serve(ParseResult line)
    {
        using var signals = new Signals();
        var data = DataDirectory.Create(line.GetRequiredValue(Data));
        using var held = data.Lock();
        var app = BuildsHost.WithHttp(new BuildsHostOptions { Data = data, Urls = line.GetRequiredValue(Urls), Settings = Settings(line) });
        await using (app)
        {
            // Handed back at once on the second signal; the first one only begins the drain.
            await using var impatient = signals.Second.Register(() => app.Services.GetRequiredService<WorkerHost>().HandBackNow());
            if (await Starting.Start(app, () => Announce(app, data, held)))
                await app.WaitForShutdownAsync(signals.First);
        }

        return ExitCode.Done;
    }

    private static async Task Announce(WebApplication app, DataDirectory data, DataLock held)
    {
        var address = app.Services.GetRequiredService<PublicOrigin>().Listening;
        var admin = await FirstStart.EnsureAdmin(data, app.Services.GetRequiredService<IGrainFactory>());
        held.Tell(address);
        await Console.Out.WriteAsync(Welcome.Text(data, admin, address, app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value.Slots));
    }

    private static Dictionary<string, string?> Settings(ParseResult line)
    {
        var settings = new Dictionary<string, string?>();
        if (line.GetValue(Origin) is { } origin)
            settings[$"{ApiOptions.Section}:{nameof(ApiOptions.Origin)}"] = origin;
        if (line.GetValue(Slots) is { } slots)
            settings[$"{WorkerOptions.Section}:{nameof(WorkerOptions.Slots)}"] = slots.ToString();
        return settings;
    }
}
