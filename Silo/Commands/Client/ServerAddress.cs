using System.CommandLine;
using Builds.Cluster;

namespace Builds.Commands.Client;

/// <summary>Which server a command talks to, and as whom: options come first, then the environment, then the data directory.</summary>
internal static class ServerAddress
{
    private const string UrlVariable = "BUILDS_URL";
    private const string TokenVariable = "BUILDS_TOKEN";

    private static readonly Option<string?> Url = new("--url")
    {
        Description = $"The server. Default: {UrlVariable}, or the one that runs on the data directory.",
        HelpName = "URL",
    };

    private static readonly Option<string?> Token = new("--token")
    {
        Description = $"Who asks. Default: {TokenVariable}, or the admin token of the data directory.",
        HelpName = "TOKEN",
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "The data directory of a server on this machine.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "./data",
    };

    public static void AddTo(Command command)
    {
        command.Add(Url);
        command.Add(Token);
        command.Add(Data);
    }

    public static DataDirectory DataOf(ParseResult line) => DataDirectory.Existing(line.GetRequiredValue(Data));

    /// <summary>Null if neither an option nor the environment names a server.</summary>
    public static string? Named(ParseResult line) => line.GetValue(Url) ?? Variable(UrlVariable);

    /// <summary>A client for the server that is meant. Throws <see cref="CommandException"/> when there is none, or no token for it.</summary>
    public static BuildsClient Connect(ParseResult line)
    {
        var data = DataOf(line);
        var address = Named(line) ?? Running(data);
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new CommandException(ExitCode.Usage, $"'{address}' is no address of a server: it looks like {BuildsHostOptions.DefaultUrls}");
        var token = line.GetValue(Token) ?? Variable(TokenVariable) ?? OwnToken(data, url);
        return new BuildsClient(url, token);
    }

    private static string Running(DataDirectory data)
    {
        if (DataLock.Holder(data) is not { } holder)
            throw new CommandException(ExitCode.CouldNotRun, $"no server runs on the data directory {data.Path}. Start one with 'builds serve', or name one with --url or {UrlVariable}.");
        return holder.Address
            ?? throw new CommandException(ExitCode.CouldNotRun, $"{holder} has the data directory {data.Path}, but does not answer yet. Try again in a moment.");
    }

    // The admin token goes to the server of its own directory and nowhere else.
    private static string OwnToken(DataDirectory data, Uri url)
    {
        var hint = $"Name a token with --token or {TokenVariable}.";
        if (DataLock.Holder(data)?.Address is not { } own || new Uri(own).Authority != url.Authority)
            throw new CommandException(ExitCode.CouldNotRun, $"there is no token for {url.GetLeftPart(UriPartial.Authority)}. {hint}");
        try
        {
            return File.ReadAllText(data.AdminToken).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.CouldNotRun, $"the admin token cannot be read: {error.Message} {hint}");
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
