namespace Builds.Execution;
internal static class PlainScripts
{
    public static string Environment(BuildPlan plan) =>
        $"complete-build() {{ echo 1 > ~/.complete-build; exit 0; }}\nexport CI_NAME=sourcehut\nexport JOB_ID={plan.Job.Value}\nexport JOB_URL={plan.JobUrl}\nexport JOB_ATTEMPT={plan.Attempt}\n";
    public static string Task(Builds.Manifests.BuildTask task) => $"#!/usr/bin/env bash\n. ~/.buildenv\nset -xe\n{task.Script}\n";
}
internal sealed record PlainSource(string Url, string Directory, string? Revision)
{
    public static PlainSource Parse(string s)
    {
        var p = s.Split('#');
        var name = p[0].TrimEnd('/').Split('/')[^1];
        return new(p[0], name.EndsWith(".git", StringComparison.Ordinal) ? name[..^4] : name, p.Length > 1 ? p[1] : null);
    }
}
