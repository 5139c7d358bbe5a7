using System.Collections.Immutable;
using Builds.Secrets;

namespace Builds.Commands.Secrets;

/// <summary>The secrets of one user of a server, whether it runs or not. Mistakes are <see cref="CommandException"/>s.</summary>
internal interface ISecrets
{
    /// <summary>Keeps it; its UUID.</summary>
    /// <param name="type">As the contract has it; what is wrong with it is told, as of the others.</param>
    Task<string> Add(string type, string? name, string value, string? path, string? mode, CancellationToken cancellationToken);

    /// <summary>Newest first.</summary>
    Task<ImmutableArray<SecretModel>> List(CancellationToken cancellationToken);

    /// <param name="user">Without the tilde.</param>
    Task Share(string uuid, string user, CancellationToken cancellationToken);

    Task Remove(string uuid, CancellationToken cancellationToken);

    /// <summary>How many secrets were sealed anew.</summary>
    Task<int> RotateKeys(CancellationToken cancellationToken);
}
