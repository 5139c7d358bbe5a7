using System.Text.RegularExpressions;
using Builds.Manifests;
using Builds.Requests;
using Builds.Users;

namespace Builds.Jobs;

/// <summary>
/// Reads and validates what POST /api/jobs sends, in the order of contract/rest section 6: each key by itself, then the tags, then the
/// manifest; a later group is looked at only when nothing before it failed.
/// </summary>
public static partial class SubmitRequest
{
    /// <summary>In characters; this many are too many.</summary>
    private const int ManifestLimit = 16384;

    /// <summary>Null when <paramref name="fields"/> has collected mistakes.</summary>
    /// <param name="caller">The owner of the job.</param>
    public static JobSubmission? Read(RequestFields fields, Caller caller)
    {
        var manifest = fields.RequiredText("manifest");
        if (manifest is not null && manifest.EnumerateRunes().Count() >= ManifestLimit)
            fields.Refuse("manifest", $"Manifest must be less than {ManifestLimit} bytes");
        var note = JobNote.Read(fields);
        var tags = fields.List("tags") ?? [];
        var execute = fields.Flag("execute") ?? true;
        var secrets = fields.Flag("secrets");
        var place = JobPlacement.Read(fields);
        var maySeeSecrets = caller.Allow(Scopes.SecretsRead);
        if (secrets == true && !maySeeSecrets)
            fields.Refuse("secrets", $"your token does not have the scope {Scopes.SecretsRead}, so its jobs cannot use your secrets: leave the key out, or say false");
        if (fields.IsValid && !tags.All(IsTag))
            fields.Refuse("tags", "Invalid tag name, tags must use lowercase alphanumeric characters, underscores, dashes, or dots");
        if (!fields.IsValid || Parse(fields, manifest!) is not { } parsed)
            return null;

        var mayUseSecrets = secrets ?? (maySeeSecrets && (parsed.Secrets.Length > 0 || parsed.OAuth is not null));
        return new JobSubmission
        {
            Owner = caller.User,
            Manifest = manifest!,
            Note = note,
            Tags = [.. tags.OfType<FieldValue.Text>().Select(tag => tag.Value)],
            Execute = execute,
            Secrets = mayUseSecrets,
            Grants = mayUseSecrets ? OAuthGrants.Granted(parsed.OAuth, caller) : [],
            Priority = place.Priority,
            Pool = place.Pool,
            Labels = place.Labels,
        };
    }

    /// <summary>Stands for the content of a submission: equal content, equal text, whether it came as JSON or as a form.</summary>
    public static string Fingerprint(JobSubmission submission) => SubmissionKey.Fingerprint(
    [
        submission.Manifest,
        submission.Note is null ? "no note" : "note:" + submission.Note,
        submission.Execute ? "execute" : "wait",
        submission.Secrets ? "secrets" : "no secrets",
        .. submission.Tags,
        // No tag has a colon in it. What is as usual is left out, so that keys from before these existed still match.
        .. JobPlacement.Of(submission).Words(),
    ]);

    private static BuildManifest? Parse(RequestFields fields, string manifest)
    {
        switch (ManifestParser.Parse(manifest))
        {
            case ManifestResult.Accepted accepted:
                return accepted.Manifest;
            case ManifestResult.Refused refused:
                foreach (var error in refused.Errors)
                    fields.Refuse(null, error.ToString());
                return null;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static bool IsTag(FieldValue value) => value is FieldValue.Text text && Tag().IsMatch(text.Value);

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]+\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Tag();
}
