using System.CommandLine;
using System.Text;
using Builds.Commands.Client;
using Builds.Secrets;
using Builds.Users;

namespace Builds.Commands.Secrets;

/// <summary><c>builds secret</c>: works with the server running or not. A value comes from a file or standard input; a command line is for all to see.</summary>
internal static class SecretCommands
{
    private static readonly Argument<string> File = new("FILE") { Description = "The file that holds the value, or - for standard input." };
    private static readonly Option<string> Type = new("--type") { Description = "What it is: ssh_key, pgp_key or plaintext_file.", HelpName = "TYPE", Required = true };
    private static readonly Option<string?> Name = new("--name") { Description = "By which manifests may name it, besides its UUID.", HelpName = "NAME" };
    private static readonly Option<string?> Path = new("--path") { Description = "Of a plaintext_file: where builds find it, for example ~/.netrc.", HelpName = "PATH" };
    private static readonly Option<string?> Mode = new("--mode") { Description = "Of a plaintext_file: its permissions, octal. Default: 600.", HelpName = "MODE" };
    private static readonly Argument<string> Secret = new("SECRET") { Description = "Its UUID or its name; see 'builds secret list'." };
    private static readonly Argument<string> User = new("USER") { Description = "Who gets a copy, with or without the tilde." };

    public static Command Create()
    {
        User.Validators.Add(user =>
        {
            if (UserName.Mistake(user.GetValueOrDefault<string>().TrimStart('~')) is { } mistake)
                user.AddError(mistake);
        });
        return new Command("secret", "Keeps what builds need and nobody else may see.")
        {
            Make("add", "Keeps a secret, and prints its UUID.", Add, File, Type, Name, Path, Mode),
            Make("list", "Lists your secrets; nothing shows their values.", List),
            Make("share", "Gives another user a copy, which he keeps.", Share, Secret, User),
            Make("remove", "Removes a secret of yours; copies that you gave away stay.", Remove, Secret),
            Make("rotate-keys", "Makes a new key and seals all secrets of everybody with it.", RotateKeys),
        };
    }

    private static Command Make(string name, string description, Func<ParseResult, ISecrets, CancellationToken, Task> action, params Symbol[] symbols) =>
        RunningOrNot.Make<ISecrets>(
            name, description, client => new RemoteSecrets(client), services => ActivatorUtilities.CreateInstance<LocalSecrets>(services), action, symbols);

    private static async Task Add(ParseResult line, ISecrets secrets, CancellationToken cancellationToken)
    {
        var type = line.GetRequiredValue(Type);
        var mode = line.GetValue(Mode) ?? (SecretText.Type(type) == SecretType.PlaintextFile ? "600" : null);
        var value = await Read(line.GetRequiredValue(File), cancellationToken);
        await line.InvocationConfiguration.Output.WriteLineAsync(await secrets.Add(type, line.GetValue(Name), value, line.GetValue(Path), mode, cancellationToken));
    }

    private static async Task List(ParseResult line, ISecrets secrets, CancellationToken cancellationToken)
    {
        foreach (var secret in await secrets.List(cancellationToken))
        {
            var file = secret.Path is null ? "" : $"  {secret.Path} ({secret.Mode})";
            var from = secret.FromUser is null ? "" : $"  from {secret.FromUser}";
            await line.InvocationConfiguration.Output.WriteLineAsync($"{secret.Uuid}  {secret.Type,-14}  {secret.Name ?? "(no name)"}{file}{from}");
        }
    }

    private static async Task Share(ParseResult line, ISecrets secrets, CancellationToken cancellationToken) =>
        await secrets.Share(await Meant(line, secrets, cancellationToken), line.GetRequiredValue(User).TrimStart('~'), cancellationToken);

    private static async Task Remove(ParseResult line, ISecrets secrets, CancellationToken cancellationToken) =>
        await secrets.Remove(await Meant(line, secrets, cancellationToken), cancellationToken);

    private static async Task RotateKeys(ParseResult line, ISecrets secrets, CancellationToken cancellationToken) =>
        await line.InvocationConfiguration.Output.WriteLineAsync($"Sealed {await secrets.RotateKeys(cancellationToken)} secrets with a new key");

    private static async Task<string> Meant(ParseResult line, ISecrets secrets, CancellationToken cancellationToken)
    {
        var text = line.GetRequiredValue(Secret);
        var uuid = SecretText.Uuid(text);
        var meant = (await secrets.List(cancellationToken)).Where(secret => uuid is null ? secret.Name == text : secret.Uuid == uuid).Select(secret => secret.Uuid).ToList();
        return meant switch
        {
            [var only] => only,
            [] => throw new CommandException(ExitCode.CouldNotRun, $"there is no secret '{text}': see 'builds secret list'"),
            _ => throw new CommandException(ExitCode.Usage, $"{meant.Count} secrets are called {text}: name one by its UUID, {string.Join(" or ", meant)}"),
        };
    }

    private static async Task<string> Read(string file, CancellationToken cancellationToken)
    {
        await using var input = file == "-" ? Console.OpenStandardInput() : System.IO.File.OpenRead(file);
        // A byte more than what is allowed is enough to be refused, and a file of any size must not fill the memory; CR may yet go.
        var buffer = new byte[2 * SecretRules.MaxBytes + 1];
        var count = await input.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (count == buffer.Length)
            throw new CommandException(ExitCode.Usage, $"{file} has more than {SecretRules.MaxBytes} bytes, the limit for a secret");
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(buffer.AsSpan(0, count));
        }
        catch (DecoderFallbackException)
        {
            throw new CommandException(ExitCode.Usage, $"{file} is not valid UTF-8: a secret is text");
        }
    }
}
