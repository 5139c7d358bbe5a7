using Builds.Users;

namespace Builds.Jobs;

/// <summary>Who may see and who may change a job (contract/web section 2).</summary>
public static class JobAccess
{
    /// <param name="caller">Null for an anonymous reader.</param>
    public static bool MaySee(this Caller? caller, JobSnapshot job) => job.Visibility switch
    {
        Visibility.Public or Visibility.Unlisted => true,
        Visibility.Private => caller is not null && caller.MayChange(job),
    };

    public static bool MayChange(this Caller caller, JobSnapshot job) => caller.IsAdmin || caller.User == job.Owner;

    /// <summary>A group is for its owner, whoever may see its jobs.</summary>
    public static bool MaySee(this Caller caller, JobGroup group) => caller.IsAdmin || caller.User == group.Owner;
}
