using Builds.Triggers;
using CsCheck;

namespace Builds.Tests.Triggers;

public sealed class TriggerBookTests
{
    [Fact]
    public void No_owner_takes_all_and_owners_have_their_turns()
    {
        var book = new TriggerBook(most: 6, perOwner: 3, perPlace: 100);
        foreach (var id in Enumerable.Range(1, 1000))
            book.Add(Job(id), "greedy");
        book.Add(Job(2001), "mia");
        book.Add(Job(2002), "noa");

        var begun = All(book);

        begun.GroupBy(item => item.Owner).ToDictionary(owner => owner.Key, owner => owner.Count()).ShouldBe(
            new Dictionary<string, int> { ["greedy"] = 3, ["mia"] = 1, ["noa"] = 1 }, ignoreOrder: true);
        begun.Take(3).Select(item => item.Owner).ShouldBe(["greedy", "mia", "noa"]);
    }

    [Fact]
    public void What_goes_to_a_place_that_is_full_waits_for_it_and_holds_up_nothing_else()
    {
        var book = new TriggerBook(most: 100, perOwner: 100, perPlace: 2);
        foreach (var id in Enumerable.Range(1, 10))
            book.Add(Job(id), "mia");
        var slow = All(book).Where(item => book.Enter(item, "slow.example")).ToList();
        book.Add(Job(11), "mia");

        var next = All(book).ShouldHaveSingleItem();
        book.Enter(next, "quick.example").ShouldBeTrue();
        book.Ended(slow[0], again: false);
        var afterwards = All(book).ShouldHaveSingleItem();

        slow.Count.ShouldBe(2);
        next.Source.ShouldBe(Job(11));
        book.Enter(afterwards, "slow.example").ShouldBeTrue();
    }

    [Fact]
    public void What_is_asked_for_while_it_is_under_way_is_looked_at_again()
    {
        var book = new TriggerBook(10, 10, 10);
        book.Add(Job(1), "mia");
        var item = book.Start()!;
        book.Start().ShouldBeNull();
        book.Add(Job(1), "mia");
        book.Start().ShouldBeNull("one at a time of each source");

        book.Ended(item, again: false);

        book.Start().ShouldBeSameAs(item);
        book.Ended(item, again: false);
        book.Start().ShouldBeNull();
    }

    [Fact]
    public void It_takes_no_more_than_it_has_room_for()
    {
        var book = new TriggerBook(1, 1, 1);
        for (var id = 1; id <= TriggerBook.Room + 5; id++)
            book.Add(Job(id), $"owner{id}");

        book.IsFull.ShouldBeTrue();
        book.Ended(book.Start()!, again: false);
        book.IsFull.ShouldBeFalse();
    }

    /// <summary>Any order of hints, places and ends: the bounds hold, and all that was asked for gets its turn.</summary>
    [Fact]
    public void Bounds_hold_and_nothing_is_forgotten()
    {
        Gen.Select(Gen.Int[1, 30], Gen.Int[0, 4], Gen.Int[0, 3], (id, owner, place) => (Id: id, Owner: $"o{owner}", Place: $"p{place}")).Array[1, 200].Sample(
            asked =>
            {
                var book = new TriggerBook(most: 5, perOwner: 2, perPlace: 2);
                var places = asked.GroupBy(each => each.Id).ToDictionary(each => each.Key, each => each.First());
                var (inside, seen) = (new Queue<(TriggerItem Item, string Place)>(), new HashSet<int>());
                foreach (var each in asked)
                {
                    book.Add(Job(each.Id), places[each.Id].Owner);
                    Step();
                    if (inside.Count > 3)
                        End();
                }

                while (inside.Count > 0)
                {
                    End();
                    Step();
                }

                book.UnderWay.ShouldBe(0);
                seen.ShouldBe(places.Keys, ignoreOrder: true);

                void End() => book.Ended(inside.Dequeue().Item, again: false);

                void Step()
                {
                    while (book.Start() is { } item)
                    {
                        var place = places[item.Source.Id].Place;
                        if (!book.Enter(item, place))
                            continue;
                        inside.Enqueue((item, place));
                        seen.Add(item.Source.Id);
                        book.UnderWay.ShouldBeLessThanOrEqualTo(5);
                        inside.Count(other => other.Item.Owner == item.Owner).ShouldBeLessThanOrEqualTo(2);
                        inside.Count(other => other.Place == place).ShouldBeLessThanOrEqualTo(2);
                    }
                }
            },
            iter: 300);
    }

    private static TriggerSource Job(int id) => new(TriggerSourceKind.Job, id);

    private static List<TriggerItem> All(TriggerBook book)
    {
        var begun = new List<TriggerItem>();
        while (book.Start() is { } item)
            begun.Add(item);
        return begun;
    }
}
