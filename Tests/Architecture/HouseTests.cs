using System.Reflection;
using System.Xml.Linq;
using Builds.Jobs;

namespace Builds.Tests.Architecture;

/// <summary>Who may refer to whom, and what lies where.</summary>
public sealed class HouseTests
{
    /// <summary>Each project, and all of ours that it may refer to. Benchmarks and Dummy are programs of the tests.</summary>
    private static readonly Dictionary<string, string[]> References = new()
    {
        ["Grains.Interfaces"] = [],
        ["Grains"] = ["Grains.Interfaces"],
        ["Api"] = ["Grains.Interfaces"],
        ["Silo"] = ["Api", "Grains", "Grains.Interfaces"],
        ["Tests"] = ["Api", "Benchmarks", "Dummy", "Grains", "Grains.Interfaces", "Silo"],
        ["Tests/Benchmarks"] = ["Api", "Grains", "Grains.Interfaces", "Silo"],
        ["Tests/Dummy"] = [],
    };

    /// <summary>
    /// The only files above <see cref="MostLines"/>, each with the reason. The list gets shorter, or a reviewer agrees to a new reason.
    /// </summary>
    private static readonly Dictionary<string, string> LongFiles = new()
    {
        ["Silo/Execution/Init/init.c"] = "one program without a library, pid 1 of every sandbox: it is read, and compiled, as a whole",
    };

    private const int MostLines = 300;

    [Fact]
    public void Every_project_of_the_solution_has_its_rule()
    {
        var projects = Repository.Files(".csproj").Select(file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal);

        projects.ShouldBe(References.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_project_file_refers_only_to_the_projects_it_may()
    {
        foreach (var (project, allowed) in References)
        {
            var file = Directory.GetFiles(Repository.PathOf(project), "*.csproj").Single();
            var referred = XDocument.Load(file).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));

            referred.Except(allowed).ShouldBeEmpty($"{Path.GetFileName(file)} refers to what {project} must not know");
        }
    }

    [Fact]
    public void A_compiled_assembly_refers_only_to_the_projects_it_may()
    {
        Assembly[] assemblies = [Product.Interfaces, Product.Grains, Product.Api, Product.Silo];
        var projectOf = assemblies.Zip(["Grains.Interfaces", "Grains", "Api", "Silo"]).ToDictionary(pair => pair.First.GetName().Name!, pair => pair.Second);

        foreach (var assembly in assemblies)
        {
            var referred = assembly.GetReferencedAssemblies().Where(reference => projectOf.ContainsKey(reference.Name!)).Select(reference => projectOf[reference.Name!]);

            referred.Except(References[projectOf[assembly.GetName().Name!]]).ShouldBeEmpty(assembly.GetName().Name);
        }
    }

    [Theory]
    [InlineData("Grains.Interfaces", "Microsoft.AspNetCore", "Microsoft.Data", "Orleans.Runtime", "Orleans.Server", "Npgsql", "DbUp", "System.CommandLine")]
    [InlineData("Grains", "Microsoft.AspNetCore", "Microsoft.Data", "Npgsql", "DbUp", "System.CommandLine", "YamlDotNet")]
    [InlineData("Api", "Microsoft.Data", "Orleans.Runtime", "Orleans.Server", "Npgsql", "DbUp", "System.CommandLine", "YamlDotNet")]
    public void A_project_knows_nothing_of_machinery_that_is_not_its_own(string project, params string[] machinery)
    {
        var referred = Product.Assembly(project).GetReferencedAssemblies().Select(reference => reference.Name!);

        referred.Where(name => machinery.Any(part => name.StartsWith(part, StringComparison.Ordinal))).ShouldBeEmpty();
    }

    [Fact]
    public void The_repository_has_four_projects_and_their_tests_at_the_top_and_nothing_else()
    {
        var ignored = File.ReadAllLines(Repository.PathOf(".gitignore")).Select(line => line.Trim('/'));

        var folders = Directory.GetDirectories(Repository.Root).Select(folder => Path.GetFileName(folder)!).Where(folder => folder[0] != '.').Except(ignored);

        folders.Order(StringComparer.Ordinal).ShouldBe(["Api", "Grains", "Grains.Interfaces", "Silo", "Tests"]);
    }

    [Fact]
    public void No_file_of_code_is_longer_than_a_person_likes_to_read()
    {
        var tooLong = Repository.Files(".cs", ".c", ".h", ".sh", ".sql", ".css", ".js")
            .Where(file => File.ReadLines(Repository.PathOf(file)).Count() > MostLines);

        tooLong.ShouldBe(LongFiles.Keys, $"files above {MostLines} lines; split by aspect and say which in the suffix");
    }

    [Fact]
    public void The_root_of_every_namespace_is_Builds_and_never_hides_that_of_Orleans()
    {
        var namespaces = Product.Assemblies.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.Namespace is not null && !Product.IsGenerated(type))
            .Select(type => type.Namespace!).Distinct();

        namespaces.ShouldAllBe(name => name == "Builds" || name.StartsWith("Builds.", StringComparison.Ordinal));
        namespaces.ShouldNotContain(name => name.Split('.').Contains("Orleans") || name.Split('.').Contains("System"));
    }
}

/// <summary>The assemblies of the product.</summary>
internal static class Product
{
    public static readonly Assembly Interfaces = typeof(IJobGrain).Assembly;
    public static readonly Assembly Grains = typeof(JobLifecycle).Assembly;
    public static readonly Assembly Api = typeof(ApiOptions).Assembly;
    public static readonly Assembly Silo = typeof(Execution.BuildExecutor).Assembly;

    public static IEnumerable<Assembly> Assemblies => [Interfaces, Grains, Api, Silo];

    public static Assembly Assembly(string project) => project switch
    {
        "Grains.Interfaces" => Interfaces,
        "Grains" => Grains,
        "Api" => Api,
        "Silo" => Silo,
        _ => throw new ArgumentOutOfRangeException(nameof(project), project, "no such project"),
    };

    /// <summary>True for what the compiler or a source generator wrote.</summary>
    public static bool IsGenerated(Type type) =>
        type.Namespace is { } name && (name.StartsWith("OrleansCodeGen", StringComparison.Ordinal) || name.StartsWith("System.", StringComparison.Ordinal)
            || name.StartsWith("Microsoft.", StringComparison.Ordinal) || name.StartsWith("Orleans", StringComparison.Ordinal));
}
