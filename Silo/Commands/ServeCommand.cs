using System.CommandLine;
using System.Globalization;
using Builds.Cluster;
using Builds.Users;
using Builds.Workers;
using Microsoft.Extensions.Options;

namespace Builds.Commands;

/// <summary><c>builds serve</c>: the service itself, until a signal ends it.</summary>
internal static class ServeCommand
{
    /// <summary>What the host may take after it has given up stopping in good order.</summary>
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(5);

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

    private static readonly Option<string?> Cluster = new("--cluster")
    {
        Description = "The PostgreSQL database of a cluster, as \"Host=…;Username=…;Password=…\". Default: none; this silo is alone.",
        HelpName = "DATABASE",
    };

    private static readonly Option<string?> Name = new("--name")
    {
        Description = "In a cluster: the name of this silo, the same after every restart. Default: the machine's.",
        HelpName = "NAME",
    };

    private static readonly Option<string?> Store = new("--store")
    {
        Description = "In a cluster: where logs and artifacts are kept, for all silos in one place: a directory, or s3://BUCKET/PREFIX with credentials from the environment (AWS_ACCESS_KEY_ID, …).",
        HelpName = "DIR|s3://BUCKET/PREFIX",
    };

    private static readonly Option<int?> SiloPort = new("--silo-port")
    {
        Description = "In a cluster: the port for other silos, which nobody else should reach. Default: 11111.",
        HelpName = "PORT",
    };

    private static readonly Option<string?> Advertise = new("--advertise")
    {
        Description = "In a cluster: the address under which other silos reach this one. Default: the one from which it reaches the database.",
        HelpName = "IP[:PORT]",
    };

    private static readonly Option<SiloRole?> Role = new("--role")
    {
        Description = "In a cluster: FrontDoor answers callers, Worker runs builds, All does both. Default: All.",
        HelpName = "ROLE",
    };

    /// <param name="name">What it is called.</param>
    /// <param name="configure">Changes the services of the silo, last of all; for tests.</param>
    public static Command Create(string name, Action<IServiceCollection>? configure = null)
    {
        var command = new Command(name, "Serves until a signal ends it. What runs when no command is given.");
        AddValidators();
        command.Add(Urls);
        command.Add(Origin);
        command.Add(Data);
        command.Add(Slots);
        command.Add(Cluster);
        command.Add(Name);
        command.Add(Store);
        command.Add(SiloPort);
        command.Add(Advertise);
        command.Add(Role);
        command.SetAction((line, _) => Serve(line, configure));
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

    private static async Task<int> Serve(ParseResult line, Action<IServiceCollection>? configure)
    {
        using var signals = new Signals();
        var data = DataDirectory.Create(line.GetRequiredValue(Data));
        using var held = data.Lock();
        WebApplication app;
        try
        {
            app = await BuildsHost.WithHttp(
                new BuildsHostOptions
                {
                    Data = data,
                    Urls = line.GetRequiredValue(Urls),
                    Settings = Settings(line),
                    Tell = text => Console.Error.WriteLine($"builds: {text}"),
                    Configure = configure,
                },
                signals.First);
        }
        catch (OperationCanceledException) when (signals.First.IsCancellationRequested)
        {
            return ExitCode.Done;
        }

        await using (app)
        {
            // Handed back at once on the second signal; the first one only begins the drain.
            await using var impatient = signals.Second.Register(() => app.Services.GetService<WorkerHost>()?.HandBackNow());
            if (await Starting.Start(app, () => Announce(app, data, held)))
                await UntilShutDown(app, signals.First);
        }

        return ExitCode.Done;
    }

    /// <summary>
    /// Ends when the host has stopped. A silo that cannot tell the others that it leaves, since the database is away, would go on trying for
    /// minutes: it has drained by then, and they take it for killed.
    /// </summary>
    private static async Task UntilShutDown(WebApplication app, CancellationToken signal)
    {
        var down = app.WaitForShutdownAsync(signal);
        await down.WaitAsync(app.Lifetime.ApplicationStopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var bound = app.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout + LastWord;
        try
        {
            await down.WaitAsync(bound, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            await Console.Error.WriteLineAsync($"builds: the silo could not leave the cluster in good order within {bound}; it ends, and the others take it for killed");
            Environment.Exit(ExitCode.CouldNotRun);
        }
    }

    private static async Task Announce(WebApplication app, DataDirectory data, DataLock held)
    {
        var address = app.Services.GetRequiredService<PublicOrigin>().Listening;
        var admin = await FirstStart.EnsureAdmin(data, app.Services.GetRequiredService<IGrainFactory>());
        held.Tell(address);
        int? slots = app.Services.GetService<WorkerHost>() is null ? null : app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value.Slots;
        await Console.Out.WriteAsync(Welcome.Text(data, admin, address, slots, app.Services.GetService<MemberSilo>()));
    }

    private static Dictionary<string, string?> Settings(ParseResult line)
    {
        var given = new (string Section, string Name, object? Value)[]
        {
            (ApiOptions.Section, nameof(ApiOptions.Origin), line.GetValue(Origin)),
            (WorkerOptions.Section, nameof(WorkerOptions.Slots), line.GetValue(Slots)),
            (ClusterOptions.Section, nameof(ClusterOptions.ConnectionString), line.GetValue(Cluster)),
            (ClusterOptions.Section, nameof(ClusterOptions.Name), line.GetValue(Name)),
            (ClusterOptions.Section, nameof(ClusterOptions.Store), line.GetValue(Store)),
            (ClusterOptions.Section, nameof(ClusterOptions.SiloPort), line.GetValue(SiloPort)),
            (ClusterOptions.Section, nameof(ClusterOptions.Advertise), line.GetValue(Advertise)),
            (ClusterOptions.Section, nameof(ClusterOptions.Role), line.GetValue(Role)),
        };
        return given.Where(setting => setting.Value is not null)
            .ToDictionary(setting => $"{setting.Section}:{setting.Name}", setting => Convert.ToString(setting.Value, CultureInfo.InvariantCulture));
    }
}
