namespace Builds.Tests.Stores;

/// <summary>
/// Runs several actors so that one at a time does a step, up to the next point that it passes (<see cref="KillPoint"/>, or <see cref="Point"/> of the test's own), and chance
/// decides whose step is next. One that is not chosen for long is what others see of a silo that is frozen. The same seed gives the same run.
/// </summary>
internal sealed class Interleaving(int seed)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly AsyncLocal<Actor?> Current = new();

    private readonly Random random = new(seed);
    private readonly List<Actor> actors = [];
    private readonly List<string> story = [];

    /// <summary>Who did what, in order.</summary>
    public string Story => string.Join(" ", story);

    // Other tests of this process pass points too; they are no actors and go through.
    static Interleaving() => KillPoint.Watcher += name => Current.Value?.Pass(name);

    public void Add(string name, Func<Task> act) => actors.Add(new Actor(name, act));

    /// <summary>A place where an actor may be overtaken.</summary>
    public static void Point() => Current.Value?.Pass("");

    public async Task Run()
    {
        foreach (var actor in actors)
            actor.Start();
        // Some runs change over at every step, some let one go on for long.
        var stay = random.NextDouble();
        Actor? last = null;
        while (actors.Where(actor => !actor.HasEnded).ToArray() is { Length: > 0 } alive)
        {
            var next = last is { HasEnded: false } && random.NextDouble() < stay ? last : alive[random.Next(alive.Length)];
            story.Add($"{next.Name}:{next.At}");
            await next.Step().WaitAsync(Bound);
            last = next;
        }

        foreach (var actor in actors)
        {
            await actor.Outcome;
            actor.Dispose();
        }
    }

    private sealed class Actor(string name, Func<Task> act) : IDisposable
    {
        private readonly SemaphoreSlim go = new(0);
        private readonly SemaphoreSlim arrived = new(0);

        public string Name => name;

        public string At { get; private set; } = "begin";

        public bool HasEnded { get; private set; }

        public Task Outcome { get; private set; } = Task.CompletedTask;

        public void Start() => Outcome = Task.Run(async () =>
        {
            Current.Value = this;
            try
            {
                await go.WaitAsync();
                await act();
            }
            finally
            {
                HasEnded = true;
                arrived.Release();
            }
        });

        public async Task Step()
        {
            go.Release();
            await arrived.WaitAsync();
        }

        public void Dispose()
        {
            go.Dispose();
            arrived.Dispose();
        }

        public void Pass(string point)
        {
            At = point;
            arrived.Release();
            // On the thread that passes the point, which stands still as a frozen one does.
            go.Wait();
        }
    }
}
