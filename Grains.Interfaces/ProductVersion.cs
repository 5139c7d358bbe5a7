using System.Reflection;

namespace Builds;

/// <summary>Which version of Builds this is.</summary>
public static class ProductVersion
{
    /// <summary>For example 0.1.0.</summary>
    public static string Text { get; } =
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
