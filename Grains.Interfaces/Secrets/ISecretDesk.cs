namespace Builds.Secrets;

/// <summary>What can be done with secrets beyond a single one, for every door.</summary>
public interface ISecretDesk
{
    /// <summary>
    /// Keeps a secret, durably when this answers. Refuses a name that another secret of the owner's own has, and more than
    /// <see cref="SecretRules.MostPerOwner"/>. A repeat is another secret.
    /// </summary>
    /// <param name="owner">Without the tilde.</param>
    /// <param name="secret">From <see cref="SecretRules.Read"/>.</param>
    /// <param name="cancellationToken">Ends it before anything is kept.</param>
    Task<SecretAnswer> Keep(string owner, NewSecret secret, CancellationToken cancellationToken);

    /// <summary>
    /// Gives another user a copy with the same UUID, which lives on by itself. A repeat answers with the copy that he has. Refuses a user
    /// who never had a token, and one who has <see cref="SecretRules.MostPerOwner"/>.
    /// </summary>
    /// <param name="secret">Of the one who shares.</param>
    /// <param name="user">Without the tilde.</param>
    /// <param name="cancellationToken">Ends it before anything is shared.</param>
    Task<SecretAnswer> Share(SecretKey secret, string user, CancellationToken cancellationToken);

    /// <summary>Makes a new key and seals every secret of everybody anew with it; how many those are. A repeat, as after a failure, does all of it again.</summary>
    Task<int> RotateKeys(CancellationToken cancellationToken);
}

/// <summary>What became of it.</summary>
public abstract record SecretAnswer
{
    private SecretAnswer() { }

    public sealed record Done(SecretInfo Secret) : SecretAnswer;

    /// <summary>The owner has no such secret.</summary>
    public sealed record NotFound : SecretAnswer;

    /// <param name="Field">Of the request.</param>
    /// <param name="Reason">A sentence for people.</param>
    public sealed record Refused(string Field, string Reason) : SecretAnswer;
}
