using Builds.Cluster;
using Builds.Users;

namespace Builds.Commands;

/// <summary>What a person reads when the service is ready.</summary>
internal static class Welcome
{
    private const string Example = "Silo/examples/hello.yml";

    /// <param name="slots">Null where no builds run.</param>
    /// <param name="member">Null for a silo that is alone.</param>
    public static string Text(DataDirectory data, AdminAccess admin, string address, int? slots, MemberSilo? member)
    {
        var runs = slots switch { null => "no builds here", 1 => "1 slot", _ => $"{slots} slots" };
        var ready = $"Ready: {address}, {runs}, data in {data.Path}{(member is null ? "" : $", {member}")}\n";
        if (member is { Options.Role: SiloRole.Worker })
            return ready;
        if (admin.IsRevoked)
            return ready + $"The admin token in {data.AdminToken} was revoked. To get a new one, stop, delete that file and start again.\n";
        if (!admin.IsNew)
            return ready + $"The token of ~{FirstStart.Admin} is in {data.AdminToken}\n";
        return ready + $"""

            The token of ~{FirstStart.Admin}, shown this once and kept in {data.AdminToken}:

              {admin.Token}

            Submit a first build:

              curl -H 'Authorization: Bearer {admin.Token}' --data-urlencode manifest@{Hello()} {address}/api/jobs


            """;
    }

    /// <summary>As it is called from the root of a checkout; elsewhere, the copy beside the program.</summary>
    private static string Hello() => File.Exists(Example) ? Example : Path.Combine(AppContext.BaseDirectory, "examples", "hello.yml");
}
