using Builds.Execution;
using Builds.Tests.Logs;
using Builds.Tests.Silos;
using Builds.Tests.Storage;
using Builds.Tests.Workers;

namespace Builds.Support;

/// <summary>What this assembly does as a program: whatever a test must be able to kill, freeze or start as somebody else.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments) => arguments switch
    {
        ["executor", .. var rest] => await ExecutorProgram.Run(rest),
        ["logs", .. var rest] => await LogProgram.Run(rest),
        [Tests.Chaos.BrokenSilo.Name, var bug, .. var rest] => await Tests.Chaos.BrokenSilo.Run(bug, rest),
        [LaterSilo.Name, var later, .. var rest] => await LaterSilo.Run(later, rest),
        ["starved", .. var rest] => await StarvedProgram.Run(rest),
        ["s3"] => await Tests.Stores.S3.S3Program.Run(),
        ["storage", .. var rest] => await StorageProgram.Run(rest),
        ["list", .. var rest] => await ListProgram.Run(rest),
        ["leash"] => await LeashProgram.Run(),
        ["golden", var folder] => Tests.Architecture.GoldenLine.Write(folder, [.. Tests.Architecture.Product.Assemblies]),
        _ => 2,
    };
}
