using System.Reflection;
using Builds.Storage;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Builds.Tests.Architecture;

/// <summary>Samples as a version wrote them: a line each of name, what was put in, and what was written.</summary>
internal sealed record GoldenLine(string Name, string Kind, string Put, string Written)
{
    public static IEnumerable<GoldenLine> Read(string file) =>
        File.ReadLines(file).Select(line => line.Split('\t')).Select(part => new GoldenLine(part[0], part[1], part[2], part[3]));

    public override string ToString() => $"{Name}\t{Kind}\t{Put}\t{Written}";

    /// <summary>What this version writes to other silos; the written is base64.</summary>
    public static IEnumerable<GoldenLine> Wire(IEnumerable<Assembly> assemblies, Serializer serializer) =>
        from type in WireSamples.WireTypes(assemblies)
        from sample in WireSamples.Of(type.Value)
        select new GoldenLine(type.Key, sample.Kind, WireText.Text(sample.Value), Convert.ToBase64String(serializer.SerializeToArray(sample.Value)));

    /// <summary>What this version writes into the database; the written is its JSON.</summary>
    public static IEnumerable<GoldenLine> States(IEnumerable<Assembly> assemblies) =>
        from type in WireSamples.StateTypes(assemblies)
        from sample in WireSamples.Of(type.Value)
        select new GoldenLine(type.Key, sample.Kind, WireText.Text(sample.Value), new StateJson().Serialize(sample.Value).ToString());

    /// <summary>Writes the samples of this version; 0 as the exit code.</summary>
    public static int Write(string folder, IReadOnlyCollection<Assembly> assemblies)
    {
        using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        Directory.CreateDirectory(folder);
        File.WriteAllLines(Path.Combine(folder, "Wire.txt"), Wire(assemblies, services.GetRequiredService<Serializer>()).Select(line => line.ToString()));
        File.WriteAllLines(Path.Combine(folder, "States.txt"), States(assemblies).Select(line => line.ToString()));
        return 0;
    }
}
