using System.Text.Json;
using System.Text.Json.Nodes;
using Builds.Storage;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Builds.Tests.Architecture;

/// <summary>
/// Silos of two versions run side by side during an upgrade, and records outlive every version: what the version that landed before wrote
/// must be read as what was put in. Its samples lie in Golden/VERSION: Wire.txt and States.txt as <see cref="GoldenLine"/> wrote them, never
/// edited; Added.txt, what members that came since are read as. How they were made, for 0.1.0: this folder's WireSamples.cs, WireText.cs and
/// GoldenLine.cs compiled beside Grains and Grains.Interfaces of commit 926de85, and GoldenLine.Write called. From then on the tests are the
/// program: before a change of the wire lands, in a checkout of what has landed, `dotnet Tests/bin/Debug/net10.0/Builds.Tests.dll golden FOLDER`.
/// </summary>
public sealed class GoldenTests : IDisposable
{
    private static readonly Dictionary<string, string> NothingAdded = [];

    private readonly ServiceProvider services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    private Serializer Serializer => services.GetRequiredService<Serializer>();

    public void Dispose() => services.Dispose();

    [Theory]
    [InlineData("0.1.0")]
    public void What_an_earlier_version_sends_is_read_as_it_was_meant(string version)
    {
        var lines = Golden(version, "Wire.txt");

        lines.ShouldContain(line => line.Name == "JobSnapshot" && line.Kind == "full");
        lines.SelectMany(line => Differences(line, ReadWire(line), Added(version))).Distinct().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("0.1.0")]
    public void What_an_earlier_version_stored_is_read_as_it_was_meant(string version)
    {
        var lines = Golden(version, "States.txt");

        lines.ShouldContain(line => line.Name == "job" && line.Kind == "full");
        lines.SelectMany(line => Differences(line, ReadState(line), Added(version))).Distinct().ShouldBeEmpty();
    }

    [Fact]
    public void What_this_version_sends_and_stores_it_reads_itself()
    {
        var wire = GoldenLine.Wire(Product.Assemblies, Serializer).ToList();
        var states = GoldenLine.States(Product.Assemblies).ToList();

        wire.ShouldNotBeEmpty();
        states.ShouldNotBeEmpty();
        wire.SelectMany(line => Differences(line, ReadWire(line), NothingAdded)).ShouldBeEmpty();
        states.SelectMany(line => Differences(line, ReadState(line), NothingAdded)).ShouldBeEmpty();
    }

    /// <summary>Not the analyzer that comes with Orleans: its contracts file knows interfaces and their methods, but no types.</summary>
    [Fact]
    public void The_wire_is_what_a_reviewer_saw()
    {
        var file = Repository.PathOf("Grains.Interfaces", "OrleansContracts.txt");
        var reviewed = File.ReadAllText(file);
        var now = WireContract.Text(Product.Assemblies);

        reviewed.ShouldBe(now, $"""
            the wire is not what a reviewer saw. Ids and numbers that exist keep their meaning for ever; what is new has a number of its own
            and a default. If so, this is the new {Path.GetFileName(file)}:

            {now}
            """);
    }

    private Func<object> ReadWire(GoldenLine line) => () => Serializer.Deserialize<object>(Convert.FromBase64String(line.Written))!;

    private static Func<object> ReadState(GoldenLine line) =>
        () => JsonSerializer.Deserialize(line.Written, WireSamples.StateTypes(Product.Assemblies)[line.Name], StateJson.Options)!;

    private static IEnumerable<string> Differences(GoldenLine line, Func<object> read, IReadOnlyDictionary<string, string> added)
    {
        object value;
        try
        {
            value = read();
        }
        catch (Exception error)
        {
            // One line among the others: the reader of a failed test wants to see all of them.
            return [$"{line.Name} ({line.Kind}): is not readable: {error.Message}"];
        }

        return WireText.Differences(JsonNode.Parse(line.Put), WireText.Node(value), added, line.Name);
    }

    private static List<GoldenLine> Golden(string version, string file) => [.. GoldenLine.Read(PathOf(version, file))];

    private static Dictionary<string, string> Added(string version) =>
        File.ReadLines(PathOf(version, "Added.txt")).Select(line => line.Split('\t')).ToDictionary(part => part[0], part => part[1]);

    private static string PathOf(string version, string file) => Repository.PathOf("Tests", "Architecture", "Golden", version, file);
}
