using System.Collections.Immutable;
using System.Reflection;

namespace Builds.Tests.Architecture;

/// <summary>
/// A value of every type that goes from silo to silo or into the database, made by reflection alone so that the same file compiles beside
/// an older version. "full" has everything set, each member to another value; "bare" has nothing that may be left out; an enum has one of each.
/// </summary>
internal sealed class WireSamples
{
    private readonly NullabilityInfoContext nullability = new();
    private readonly bool full;
    private int next;

    private WireSamples(bool full) => this.full = full;

    /// <summary>Every type with a serializer that can have a value, by its alias.</summary>
    public static ImmutableSortedDictionary<string, Type> WireTypes(IEnumerable<Assembly> assemblies) => assemblies
        .SelectMany(assembly => assembly.GetTypes())
        .Where(type => !type.IsAbstract && type.GetCustomAttribute<GenerateSerializerAttribute>(inherit: false) is not null)
        .ToImmutableSortedDictionary(type => type.GetCustomAttribute<AliasAttribute>(inherit: false)!.Alias, type => type, StringComparer.Ordinal);

    /// <summary>Every type of stored state, by the name that its rows carry.</summary>
    public static ImmutableSortedDictionary<string, Type> StateTypes(IEnumerable<Assembly> assemblies) => assemblies
        .SelectMany(assembly => assembly.GetTypes()).Where(type => typeof(Grain).IsAssignableFrom(type))
        .SelectMany(type => type.GetConstructors().SelectMany(constructor => constructor.GetParameters()))
        .Where(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>() is not null)
        .ToImmutableSortedDictionary(
            parameter => parameter.GetCustomAttribute<PersistentStateAttribute>()!.StateName!,
            parameter => parameter.ParameterType.GetGenericArguments()[0], StringComparer.Ordinal);

    public static IEnumerable<(string Kind, object Value)> Of(Type type) => type.IsEnum
        ? Enum.GetNames(type).Select(name => (name, Enum.Parse(type, name)))
        : [("full", new WireSamples(full: true).Make(type, "")), ("bare", new WireSamples(full: false).Make(type, ""))];

    private object Make(Type type, string name)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            type = underlying;
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(full ? Enum.GetValues(type).Length - 1 : 0)!;
        return Plain(type, name) ?? (IsArray(type) ? Array(type, name) : type.IsAbstract ? Make(Derived(type), name) : Record(type));
    }

    private object? Plain(Type type, string name) => type switch
    {
        _ when type == typeof(string) => $"{name} é{(full ? ++next : 0)}",
        _ when type == typeof(bool) => full,
        _ when type == typeof(int) => full ? ++next : 0,
        _ when type == typeof(long) => full ? 5_000_000_000 + ++next : 0L,
        _ when type == typeof(TimeSpan) => TimeSpan.FromSeconds(full ? ++next : 0),
        _ when type == typeof(DateTimeOffset) => new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero).AddTicks(1_234_567 + 36_000_000_000L * (full ? ++next : 0)),
        _ when type == typeof(KeyValuePair<string, string>) => KeyValuePair.Create($"{name} key {++next}", $"{name} value {next}"),
        _ => null,
    };

    private object Array(Type type, string name)
    {
        var element = type.GetGenericArguments()[0];
        var values = System.Array.CreateInstance(element, full ? 2 : 0);
        for (var index = 0; index < values.Length; index++)
            values.SetValue(Make(element, name), index);
        // ImmutableCollectionsMarshal is the one way to make an array of a type that is only known here.
        return typeof(System.Runtime.InteropServices.ImmutableCollectionsMarshal).GetMethod("AsImmutableArray")!.MakeGenericMethod(element).Invoke(null, [values])!;
    }

    private object Record(Type type)
    {
        var constructor = type.GetConstructors().MaxBy(each => each.GetParameters().Length)!;
        var parameters = constructor.GetParameters();
        var value = constructor.Invoke([.. parameters.Select(parameter =>
            IsLeftOut(nullability.Create(parameter).WriteState, parameter.ParameterType) ? null : Make(parameter.ParameterType, parameter.Name!))]);
        foreach (var property in Members(type).Where(property => property.CanWrite && !parameters.Any(parameter => parameter.Name == property.Name)))
        {
            // What need not be set is, in the bare one, whatever the version that made it took for its default.
            if (full || property.IsDefined(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute)))
                property.SetValue(value, Make(property.PropertyType, property.Name));
        }

        return value;
    }

    private bool IsLeftOut(NullabilityState state, Type type) =>
        !full && (Nullable.GetUnderlyingType(type) is not null || (!type.IsValueType && state == NullabilityState.Nullable));

    private static Type Derived(Type type) => type.GetNestedTypes().Where(type.IsAssignableFrom).OrderByDescending(each => Members(each).Count()).First();

    internal static bool IsArray(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>);

    /// <summary>What of a value goes over the wire or into the row: numbered properties, and of a type without numbers all that can be set.</summary>
    internal static IEnumerable<PropertyInfo> Members(Type type)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance);
        return type.GetCustomAttribute<GenerateSerializerAttribute>(inherit: false) is null
            ? properties.Where(property => property.CanWrite)
            : properties.Where(property => property.GetCustomAttribute<IdAttribute>() is not null);
    }
}
