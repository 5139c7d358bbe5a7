using System.Collections.Immutable;
using System.CommandLine;
using Builds.Commands.Client;
using Builds.Users;

namespace Builds.Commands.Tokens;

/// <summary><c>builds token</c>: works with the server running or not.</summary>
internal static class TokenCommands
{
    private static readonly Option<string> User = new("--user") { Description = "Whose token it is, with or without the tilde.", HelpName = "NAME", Required = true };
    private static readonly Option<string?> OfUser = new("--user") { Description = "Only the tokens of this user.", HelpName = "NAME" };
    private static readonly Option<string> Scopes = new("--scopes") { Description = "What it allows, separated by commas: jobs:read, jobs:write, secrets:read, or * for all.", HelpName = "LIST", Required = true };
    private static readonly Option<int?> Days = new("--days") { Description = "For how many days it is good. Default: for ever.", HelpName = "N" };
    private static readonly Argument<string> Token = new("TOKEN") { Description = "The first 8 characters of the token, or its id; see 'builds token list'." };

    public static Command Create()
    {
        User.Validators.Add(option => Check(option.AddError, UserName.Mistake(option.GetValueOrDefault<string>().TrimStart('~'))));
        Scopes.Validators.Add(option => Split(option.GetValueOrDefault<string>()).Select(Users.Scopes.Mistake).ToList().ForEach(mistake => Check(option.AddError, mistake)));
        Days.Validators.Add(option => Check(option.AddError, option.GetValueOrDefault<int?>() is < 1 or > TokenGrant.MaxDays ? $"--days takes 1 to {TokenGrant.MaxDays}" : null));
        return new Command("token", "Makes, lists and revokes tokens.")
        {
            Make("create", "Makes a token and prints it alone: it is shown only this once.", CreateToken, User, Scopes, Days),
            Make("list", "Lists tokens, which are told apart by their first 8 characters.", List, OfUser),
            Make("revoke", "Ends a token, at once and for good.", Revoke, Token),
        };
    }

    private static Command Make(string name, string description, Func<ParseResult, ITokens, CancellationToken, Task> action, params Symbol[] symbols) =>
        RunningOrNot.Make<ITokens>(
            name, description, client => new RemoteTokens(client), services => ActivatorUtilities.CreateInstance<LocalTokens>(services), action, symbols);

    private static async Task CreateToken(ParseResult line, ITokens tokens, CancellationToken cancellationToken)
    {
        var user = line.GetRequiredValue(User).TrimStart('~');
        await line.InvocationConfiguration.Output.WriteLineAsync(await tokens.Create(user, Split(line.GetRequiredValue(Scopes)), line.GetValue(Days), cancellationToken));
    }

    private static async Task List(ParseResult line, ITokens tokens, CancellationToken cancellationToken)
    {
        foreach (var token in await tokens.List(line.GetValue(OfUser)?.TrimStart('~'), cancellationToken))
        {
            var state = token.Revoked is { } revoked ? $"revoked {revoked}" : token.Expires is { } expires ? $"expires {expires}" : "for ever";
            await line.InvocationConfiguration.Output.WriteLineAsync($"{token.Prefix}  ~{token.User,-12}  {string.Join(',', token.Scopes),-22}  {state}, used {token.LastUsed ?? "never"}");
        }
    }

    private static Task Revoke(ParseResult line, ITokens tokens, CancellationToken cancellationToken) =>
        tokens.Revoke(line.GetRequiredValue(Token), cancellationToken);

    private static ImmutableArray<string> Split(string scopes) =>
        [.. scopes.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    private static void Check(Action<string> refuse, string? mistake)
    {
        if (mistake is not null)
            refuse(mistake);
    }
}
