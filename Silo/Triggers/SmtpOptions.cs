using System.ComponentModel.DataAnnotations;
using MimeKit;

namespace Builds.Triggers;

/// <summary>The mail server that e-mails of triggers go through. It is the operator's own, and may be anywhere.</summary>
public sealed class SmtpOptions : IValidatableObject
{
    public const string Section = "Builds:Triggers:Smtp";

    /// <summary>The mail server, for example mail.example.org. Default: none; e-mail triggers fail, and say so.</summary>
    public string? Host { get; set; }

    /// <summary>Its port: mostly 587, 465 with TLS from the beginning, or 25. Default 587.</summary>
    [Range(1, 65535)]
    public int Port { get; set; } = 587;

    /// <summary>How the connection is protected: StartTls insists on it, Implicit is TLS from the first byte, None is for a server of this machine. Default StartTls.</summary>
    public SmtpTls Tls { get; set; } = SmtpTls.StartTls;

    /// <summary>The user to log in as. Default: none; the server takes mail without.</summary>
    public string? User { get; set; }

    /// <summary>His password; better given as an environment variable than in a file.</summary>
    public string? Password { get; set; }

    /// <summary>Whom e-mails come from, for example <c>Builds &lt;builds@example.org&gt;</c>. Needed with a Host.</summary>
    public string? From { get; set; }

    /// <summary>How many addresses one e-mail may go to, those of cc included. Default 32.</summary>
    [Range(1, 1000)]
    public int MaxRecipients { get; set; } = 32;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(Host) && !(MailboxAddress.TryParse(From, out var sender) && sender.Domain.Length > 0))
            yield return new ValidationResult($"{Section}:From is '{From}': a mail server needs a sender such as Builds <builds@example.org>");
        if (!string.IsNullOrEmpty(User) && string.IsNullOrEmpty(Password))
            yield return new ValidationResult($"{Section}:User is given, and no Password");
    }
}

public enum SmtpTls
{
    StartTls,
    Implicit,
    None,
}
