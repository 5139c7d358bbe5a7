namespace Builds.Triggers;

/// <summary>A trigger that fired at the end of a job, and what became of it.</summary>
/// <param name="Number">Its place among the triggers of the manifest, from 1 on.</param>
/// <param name="Action">email or webhook.</param>
/// <param name="Condition">success, failure or always.</param>
/// <param name="State">pending, delivered or failed.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="HttpStatus">What a webhook's target answered; null without an answer.</param>
/// <param name="Error">For people: why the last try came to nothing, or what is odd about what was delivered.</param>
/// <param name="At">When it was tried last.</param>
public sealed record TriggerModel(int Number, string Action, string Condition, string State, int Attempts, int? HttpStatus, string? Error, string? At)
{
    public static TriggerModel From(TriggerDelivery trigger) => new(
        trigger.Number, trigger.Action, trigger.Condition, trigger.Status.Word(), trigger.Attempts, trigger.HttpStatus, trigger.Error, trigger.At is { } at ? ApiTime.Text(at) : null);
}
