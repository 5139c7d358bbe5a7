using System.Collections.Immutable;
using Builds.Secrets;
using Builds.Users;

namespace Builds.Commands.Secrets;

/// <summary>The secrets of the admin in the database itself, while no server has it open.</summary>
internal sealed class LocalSecrets(ISecretDesk desk, ISecretCatalogue catalogue, IGrainFactory grains) : ISecrets
{
    public async Task<string> Add(string type, string? name, string value, string? path, string? mode, CancellationToken cancellationToken)
    {
        var (secret, mistakes) = SecretRules.Read(type, name, value, path, mode);
        if (secret is null)
            throw new CommandException(ExitCode.Usage, string.Join('\n', mistakes.Select(mistake => $"{mistake.Field}: {mistake.Reason}")));
        return Done(await desk.Keep(FirstStart.Admin, secret, cancellationToken)).Uuid;
    }

    public async Task<ImmutableArray<SecretModel>> List(CancellationToken cancellationToken) =>
        [.. (await catalogue.Of(FirstStart.Admin, cancellationToken)).Reverse().Select(secret => SecretModel.From(secret.Info))];

    public async Task Share(string uuid, string user, CancellationToken cancellationToken) =>
        Done(await desk.Share(new SecretKey(FirstStart.Admin, uuid), user, cancellationToken));

    public async Task Remove(string uuid, CancellationToken cancellationToken)
    {
        if (!await grains.GetGrain<ISecretGrain>(new SecretKey(FirstStart.Admin, uuid).GrainKey).Remove())
            throw Missing();
    }

    public Task<int> RotateKeys(CancellationToken cancellationToken) => desk.RotateKeys(cancellationToken);

    private static SecretInfo Done(SecretAnswer answer) => answer switch
    {
        SecretAnswer.Done done => done.Secret,
        SecretAnswer.Refused refused => throw new CommandException(ExitCode.Usage, $"{refused.Field}: {refused.Reason}"),
        _ => throw Missing(),
    };

    private static CommandException Missing() => new(ExitCode.CouldNotRun, "there is no such secret any more");
}
