using System.CommandLine;

namespace Builds.Commands;

/// <summary>Options that several commands share.</summary>
internal static class CommonOptions
{
    public static readonly Option<string> Data = new("--data")
    {
        Description = "The directory of everything that the service keeps. Made if it is not there.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "./data",
    };
}
