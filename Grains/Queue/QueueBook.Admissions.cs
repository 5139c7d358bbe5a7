namespace Builds.Queue;

/// <summary>Who may queue one more job.</summary>
public sealed partial class QueueBook
{
    /// <summary>Owners with admissions for which no job was heard of.</summary>
    private readonly HashSet<string> admitting = [];

    /// <summary>See <see cref="IQueueGrain.Admit"/>.</summary>
    public Admission Admit(string name, QueueTime time)
    {
        Advance(time);
        if (options.QueuedPerOwner == 0)
            return new Admission(true, 0, null);
        var owner = waiting.Owner(name);
        DropExpired(owner);
        var queued = owner.Queued + owner.Admitted.Count;
        var admitted = !complete || queued < options.QueuedPerOwner;
        if (admitted)
        {
            owner.Admitted.Enqueue(now.Elapsed + options.AdmissionHeld);
            admitting.Add(name);
        }

        waiting.DropIdle(owner);
        return new Admission(admitted, queued, options.QueuedPerOwner);
    }

    /// <summary>A job of this owner is heard of for the first time: one admission was for it.</summary>
    private void Arrived(string name)
    {
        if (admitting.Count == 0 || !admitting.Contains(name))
            return;
        var owner = waiting.Owner(name);
        owner.Admitted.TryDequeue(out _);
        if (owner.Admitted.Count == 0)
            admitting.Remove(name);
    }

    private void DropExpiredAdmissions()
    {
        if (admitting.Count == 0)
            return;
        admitting.RemoveWhere(name =>
        {
            var owner = waiting.Owner(name);
            DropExpired(owner);
            waiting.DropIdle(owner);
            return owner.Admitted.Count == 0;
        });
    }

    private void DropExpired(OwnerEntry owner)
    {
        while (owner.Admitted.TryPeek(out var end) && end <= now.Elapsed)
            owner.Admitted.Dequeue();
    }
}
