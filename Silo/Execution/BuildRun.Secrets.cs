using System.Collections.Immutable;
using Builds.Execution.Sandbox;
using Builds.Jobs;
using Builds.Secrets;

namespace Builds.Execution;

/// <summary>What a build gets of its owner's secrets (contract/manifest section 10): before sources and packages, which may need them.</summary>
internal sealed partial class BuildRun
{
    private const int OwnerOnly = 0b110_000_000;
    private const string PgpFile = ".builds-pgp-key", MovedFile = ".builds-secret";

    private async Task<BuildOutcome?> PlaceSecrets()
    {
        foreach (var secret in plan.Opened)
        {
            if (Stopping) return new BuildOutcome.Stopped();
            await Say($"Secret {secret.Reference}: {secret.Info.Type.Word()}");
            var failure = secret.Info.Type switch
            {
                SecretType.SshKey => await PlaceSshKey(secret),
                SecretType.PgpKey => await ImportPgpKey(secret),
                _ => await PlaceFile(secret),
            };
            if (failure is not null) return failure;
        }
        return null;
    }

    private async Task<BuildOutcome?> PlaceSshKey(BuildSecret secret)
    {
        // ssh is told of keys by names that it expands, so one with a name that is not plain gets a second one that is.
        var names = SecretFiles.NamesOf(secret);
        var links = names.Skip(1).Append(plan.Opened.First(first => first.Info.Type == SecretType.SshKey) == secret ? SecretFiles.DefaultKey : null).OfType<string>().Where(link => link != names[0]);
        // What is there under that name may be the link to another key.
        return await Command("Making ~/.ssh", "/bin/sh", "-c", "umask 077 && mkdir -p .ssh && rm -f -- \".ssh/$1\"", "sh", names[0])
            ?? await WriteFile($".ssh/{names[0]}", secret.Value, OwnerOnly)
            ?? await EachOf(links, link => Command($"Linking ~/.ssh/{link}", "/bin/sh", "-c", "ln -sf -- \"$1\" \".ssh/$2\"", "sh", names[0], link));
    }

    private async Task<BuildOutcome?> ImportPgpKey(BuildSecret secret)
    {
        if (await WriteFile(PgpFile, secret.Value, OwnerOnly) is { } failure) return failure;
        // Whatever gpg says of it, the file goes.
        return await Command($"gpg --import for secret {secret.Reference}", "/bin/sh", "-c", "gpg --batch --import -- \"$1\"; status=$?; rm -f -- \"$1\"; exit $status", "sh", PgpFile);
    }

    private async Task<BuildOutcome?> PlaceFile(BuildSecret secret)
    {
        const int NotPermitted = 1, NotThere = 2, AccessDenied = 13;
        var path = SecretFiles.PathInside(secret, place.Home);
        var end = await _guard.Run(place.FileOrder(path, secret.Value, secret.Info.Mode), Drop);
        if (end is not CommandEnd.Exited(NotPermitted or NotThere or AccessDenied) || !place.Driver.HasRoot)
            return await FailureOf(end, $"Writing {path}", FailReason.Setup);
        // Below /etc, say: it is written at home, and root moves it.
        return await WriteFile(MovedFile, secret.Value, OwnerOnly)
            ?? await FailureOf(await _guard.Run(Placement.RootOrder(
                "/bin/sh", "-c", "mkdir -p -- \"${2%/*}/\" && mv -fT -- \"$1\" \"$2\" && chmod \"$3\" \"$2\"; status=$?; rm -f -- \"$1\"; exit $status",
                "sh", $"{place.Home}/{MovedFile}", path, Convert.ToString(secret.Info.Mode, 8).PadLeft(4, '0')), ToSetupLog), $"Writing {path}", FailReason.Setup);
    }

    /// <summary>Lets hut speak to this service with the token of the build.</summary>
    private async Task<BuildOutcome?> ConfigureHut()
    {
        if (plan.Token is not { } token) return null;
        var origin = plan.JobUrl[..plan.JobUrl.LastIndexOf("/~", StringComparison.Ordinal)];
        return await WriteFile(".config/hut/config", $$"""
            instance "builds" {
                access-token "{{token}}"
                builds {
                    origin "{{origin}}"
                }
            }

            """, OwnerOnly);
    }

    private async Task<BuildOutcome?> Command(string what, params string[] words) =>
        await FailureOf(await _guard.Run(place.Order(words), ToSetupLog), what, FailReason.Setup);

    private ValueTask ToSetupLog(ReadOnlyMemory<byte> output) => recorder.SetupOutput(output, _kill);

    private static async Task<BuildOutcome?> EachOf(IEnumerable<string> all, Func<string, Task<BuildOutcome?>> step)
    {
        foreach (var one in all)
            if (await step(one) is { } failure) return failure;
        return null;
    }

    /// <summary>What ssh is told of the keys among the secrets: it tries them all, in their order. For a shell; begins with a blank.</summary>
    private string SshIdentities => string.Concat(plan.Opened.Where(secret => secret.Info.Type == SecretType.SshKey)
        .Select(secret => $" -i \"$HOME/.ssh/{SecretFiles.NamesOf(secret)[^1]}\"").Distinct());
}

/// <summary>Where secrets go inside a build.</summary>
internal static class SecretFiles
{
    public const string DefaultKey = "id_rsa";

    private const int LongestName = 255;

    /// <summary>
    /// The names of an SSH key below ~/.ssh: the text of the manifest, or where no file can be called so the UUID. If no shell and no ssh would
    /// take it as it is, the UUID comes as a second one.
    /// </summary>
    public static ImmutableArray<string> NamesOf(BuildSecret secret)
    {
        var name = secret.Reference;
        if (System.Text.Encoding.UTF8.GetByteCount(name) > LongestName || name.Contains('/', StringComparison.Ordinal))
            return [secret.Info.Uuid];
        return name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' or '@' or '+') ? [name] : [name, secret.Info.Uuid];
    }

    /// <summary>The absolute path of a file.</summary>
    /// <param name="secret">A file.</param>
    /// <param name="home">Where ~ and relative paths begin.</param>
    public static string PathInside(BuildSecret secret, string home)
    {
        var path = secret.Info.Path!;
        if (path.StartsWith("~/", StringComparison.Ordinal)) path = path[2..];
        return path.StartsWith('/') ? path : $"{home}/{path}";
    }
}
