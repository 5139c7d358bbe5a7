using System.Collections.Immutable;
using System.Text.Json;
using Builds.Jobs;
using Builds.Storage;
using Builds.Users;
using CsCheck;

namespace Builds.Tests.Storage;

public sealed class StateJsonTests
{
    private static readonly StateJson Json = new();

    [Fact]
    public void Closed_sets_stand_as_the_words_of_the_contract()
    {
        Words<JobStatus>(value => value.Word());
        Words<FailReason>(value => value.Word());
        Words<BuildTaskStatus>(value => value.Word());
        Words<Visibility>(value => value.Word());
        Words<JobEventKind>(value => value.Word());
    }

    [Fact]
    public void The_order_of_times_as_text_is_their_order_in_time()
    {
        var times = Gen.DateTimeOffset.Where(time => time.UtcDateTime.Year is > 1 and < 9999);
        Gen.Select(times, times).Sample((a, b) =>
        {
            Math.Sign(string.CompareOrdinal(StateTime.Text(a), StateTime.Text(b))).ShouldBe(a.CompareTo(b));
            JsonSerializer.Deserialize<DateTimeOffset>(JsonSerializer.Serialize(a, StateJson.Options), StateJson.Options).ShouldBe(a);
        });
        StateTime.Text(new DateTimeOffset(2026, 11, 24, 14, 0, 0, TimeSpan.FromHours(2))).ShouldBe("2026-11-24T12:00:00.0000000Z");
    }

    [Fact]
    public void An_array_that_was_never_set_is_written_as_an_empty_one()
    {
        Text(new TokenState { Scopes = default }).ShouldContain("\"scopes\":[]");
    }

    [Fact]
    public void Old_and_newer_records_are_read_with_defaults_for_what_is_missing_and_without_what_is_unknown()
    {
        var job = Json.Deserialize<JobState>(new BinaryData("""{"schema":1,"id":5,"status":"queued","tags":null,"unknown":{"a":[1]}}"""));

        job.Id.ShouldBe(new JobId(5));
        job.Status.ShouldBe(JobStatus.Queued);
        job.Visibility.ShouldBe(Visibility.Unlisted);
        job.Tags.ShouldBe(ImmutableArray<string>.Empty);
        job.Tasks.ShouldBe(ImmutableArray<JobTaskState>.Empty);
    }

    [Theory]
    [InlineData("""{"status":"sleeping"}""")]
    [InlineData("""{"status":1}""")]
    [InlineData("null")]
    public void A_record_that_says_what_nobody_knows_is_refused(string text)
    {
        Should.Throw<JsonException>(() => Json.Deserialize<JobState>(new BinaryData(text)));
    }

    [Fact]
    public void Any_text_comes_back_as_it_was()
    {
        Gen.String.Sample(text => Json.Deserialize<JobState>(Json.Serialize(new JobState { Manifest = text })).Manifest.ShouldBe(text));
    }

    private static void Words<T>(Func<T, string> word) where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
            Text(value).ShouldBe($"\"{word(value)}\"");
    }

    private static string Text<T>(T value) => Json.Serialize(value).ToString();
}
