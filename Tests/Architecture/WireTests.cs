using System.Collections.Immutable;
using System.Reflection;
using Builds.Jobs;
using Microsoft.Extensions.Logging;

namespace Builds.Tests.Architecture;

/// <summary>What goes from silo to silo, to disk or to an operator's log must keep its name when code moves.</summary>
public sealed class WireTests
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly ImmutableArray<Type> Types = [.. Product.Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(type => !Product.IsGenerated(type))];

    private static readonly ImmutableArray<Type> WireTypes = [.. Types.Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>(inherit: false) is not null)];

    private static readonly ImmutableArray<Type> GrainInterfaces = [.. Types.Where(type => type.IsInterface && typeof(IAddressable).IsAssignableFrom(type))];

    [Fact]
    public void There_is_something_to_look_at()
    {
        WireTypes.ShouldContain(typeof(JobSnapshot));
        GrainInterfaces.ShouldContain(typeof(IJobGrain));
        LogMessages().ShouldContain(message => message.Where == "Builds.Jobs.JobGrain.LogMoved");
    }

    [Fact]
    public void Every_type_on_the_wire_has_an_alias_of_its_own()
    {
        WireTypes.Where(type => AliasOf(type) is null).ShouldBeEmpty();
        Repeated(WireTypes.Concat(GrainInterfaces), type => AliasOf(type)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_grain_interface_and_each_of_its_methods_has_an_alias()
    {
        GrainInterfaces.Where(type => AliasOf(type) is null).ShouldBeEmpty();
        foreach (var grain in GrainInterfaces)
        {
            var methods = grain.GetMethods(Own).Where(method => method is { IsAbstract: true, IsStatic: false });

            methods.Where(method => AliasOf(method) is null).Select(method => $"{grain.Name}.{method.Name}").ShouldBeEmpty();
            Repeated(methods, AliasOf).ShouldBeEmpty(grain.Name);
        }
    }

    [Fact]
    public void Every_type_on_the_wire_is_declared_immutable()
    {
        WireTypes.Where(type => !type.IsEnum && !typeof(Exception).IsAssignableFrom(type))
            .Where(type => type.GetCustomAttribute<ImmutableAttribute>(inherit: false) is null).ShouldBeEmpty();
    }

    [Fact]
    public void Every_property_on_the_wire_has_a_number()
    {
        var unnumbered = WireTypes.Where(type => !type.IsEnum)
            .SelectMany(type => type.GetProperties(Own).Where(property => property is { CanWrite: true, GetMethod.IsStatic: false }))
            .Where(property => property.GetCustomAttribute<IdAttribute>() is null)
            .Select(property => $"{property.DeclaringType!.Name}.{property.Name}");

        unnumbered.ShouldBeEmpty();
    }

    /// <summary>A grain's class is not part of the key of its row: two classes with one state name and one key would share it.</summary>
    [Fact]
    public void Every_grain_class_stores_its_state_under_a_name_of_its_own()
    {
        var states = Types.Where(type => typeof(Grain).IsAssignableFrom(type))
            .SelectMany(type => type.GetConstructors().SelectMany(constructor => constructor.GetParameters()))
            .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>()?.StateName).OfType<string>().ToList();

        states.ShouldNotBeEmpty();
        states.ShouldBeUnique();
    }

    [Fact]
    public void Every_log_message_has_a_number_of_its_own()
    {
        var messages = LogMessages();

        messages.Where(message => message.EventId <= 0).Select(message => message.Where).ShouldBeEmpty("a message without an event id");
        Repeated(messages, message => message.EventId.ToString()).ShouldBeEmpty(
            $"an event id is used once; the next free one after each block: {string.Join(", ", messages.GroupBy(message => message.EventId / 100).Select(block => block.Max(message => message.EventId) + 1))}");
    }

    private static ImmutableArray<(int EventId, string Where)> LogMessages() =>
    [
        .. Types.SelectMany(type => type.GetMethods(Own))
            .Select(method => (Message: method.GetCustomAttribute<LoggerMessageAttribute>(), Method: method))
            .Where(found => found.Message is not null)
            .Select(found => (found.Message!.EventId, $"{found.Method.DeclaringType!.FullName}.{found.Method.Name}")),
    ];

    private static string? AliasOf(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias;

    private static IEnumerable<string> Repeated<T>(IEnumerable<T> all, Func<T, string?> name) =>
        all.GroupBy(name).Where(group => group.Count() > 1).Select(group => $"{group.Key}: {string.Join(", ", group)}");
}
