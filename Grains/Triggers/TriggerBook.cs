namespace Builds.Triggers;

/// <summary>
/// What waits to be delivered and what is under way, in memory: bounds on both, so many at a time for each owner and each place, owners by
/// turns. Pure bookkeeping, for one caller at a time.
/// </summary>
public sealed class TriggerBook(int most, int perOwner, int perPlace)
{
    /// <summary>Sources that it remembers. What does not get in stays due in its record, and is found by a later sweep.</summary>
    public const int Room = 10_000;

    /// <summary>How far into an owner's line is looked for something whose place is free: behind that, he holds up himself.</summary>
    private const int Look = 64;

    private readonly Dictionary<TriggerSource, TriggerItem> items = [];
    private readonly Dictionary<string, Line> lines = [];
    private readonly Queue<Line> turns = [];
    private readonly Dictionary<string, int> places = [];

    public bool IsFull => items.Count >= Room;

    /// <summary>Sources under way.</summary>
    public int UnderWay { get; private set; }

    /// <summary>Something of the source is due. One that is under way is looked at once more afterwards.</summary>
    public void Add(TriggerSource source, string owner)
    {
        if (items.TryGetValue(source, out var known))
        {
            known.IsWanted = true;
            return;
        }

        if (IsFull)
            return;
        items[source] = known = new TriggerItem(source, owner);
        Wait(known, first: false);
    }

    /// <summary>The next source to be looked at; null: none waits, or none may begin. From here on it is under way.</summary>
    public TriggerItem? Start()
    {
        for (var left = turns.Count; left > 0 && UnderWay < most; left--)
        {
            var line = turns.Dequeue();
            var item = line.UnderWay < perOwner ? Take(line) : null;
            if (line.Waiting.Count > 0)
                turns.Enqueue(line);
            else
                line.HasTurn = false;
            if (item is null)
                continue;
            line.UnderWay++;
            UnderWay++;
            item.IsWanted = false;
            return item;
        }

        return null;
    }

    /// <summary>Whether one more may go to a place. If not, the item waits for it, at the head of its owner's line, and is not under way any more.</summary>
    public bool Enter(TriggerItem item, string place)
    {
        if (item.Place == place && item.IsInside)
            return true;
        Leave(item);
        item.Place = place;
        if (places.GetValueOrDefault(place) < perPlace)
        {
            places[place] = places.GetValueOrDefault(place) + 1;
            item.IsInside = true;
            return true;
        }

        End(item);
        Wait(item, first: true);
        return false;
    }

    /// <summary>It is not under way any more; forgotten, unless there is more to do at once.</summary>
    public void Ended(TriggerItem item, bool again)
    {
        Leave(item);
        item.Place = null;
        End(item);
        if (again || item.IsWanted)
            Wait(item, first: false);
        else
            items.Remove(item.Source);
    }

    private TriggerItem? Take(Line line)
    {
        var looked = 0;
        for (var node = line.Waiting.First; node is not null && looked++ < Look; node = node.Next)
        {
            var item = node.Value;
            if (item.Place is { } place)
            {
                if (places.GetValueOrDefault(place) >= perPlace)
                    continue;
                places[place] = places.GetValueOrDefault(place) + 1;
                item.IsInside = true;
            }

            line.Waiting.Remove(node);
            return item;
        }

        return null;
    }

    private void Wait(TriggerItem item, bool first)
    {
        if (!lines.TryGetValue(item.Owner, out var line))
            lines[item.Owner] = line = new Line();
        if (first)
            line.Waiting.AddFirst(item);
        else
            line.Waiting.AddLast(item);
        if (!line.HasTurn)
            turns.Enqueue(line);
        line.HasTurn = true;
    }

    private void Leave(TriggerItem item)
    {
        if (!item.IsInside)
            return;
        item.IsInside = false;
        if (--places[item.Place!] == 0)
            places.Remove(item.Place!);
    }

    private void End(TriggerItem item)
    {
        UnderWay--;
        var line = lines[item.Owner];
        line.UnderWay--;
        if (line is { UnderWay: 0, Waiting.Count: 0 })
            lines.Remove(item.Owner);
    }

    private sealed class Line
    {
        public LinkedList<TriggerItem> Waiting { get; } = [];
        public int UnderWay { get; set; }
        public bool HasTurn { get; set; }
    }
}

/// <summary>One source in the book.</summary>
public sealed class TriggerItem(TriggerSource source, string owner)
{
    public TriggerSource Source => source;
    public string Owner => owner;

    /// <summary>Where its next delivery goes; null until that was looked up.</summary>
    internal string? Place { get; set; }
    /// <summary>Whether it counts among those that go to <see cref="Place"/>.</summary>
    internal bool IsInside { get; set; }
    /// <summary>Asked for again while it was under way.</summary>
    internal bool IsWanted { get; set; }
}
