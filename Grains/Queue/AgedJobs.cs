namespace Builds.Queue;

/// <summary>
/// Jobs in the order of their age, the oldest first, in pieces of some hundred. A line is almost always taken from at its front and added
/// to at its end, which touches one piece however many wait; in a tree of a hundred thousand nearly every step is a wait for memory.
/// Anywhere else a change costs the move of half a piece.
/// </summary>
public sealed class AgedJobs
{
    private const int Most = 512;
    private const int First = 4;

    /// <summary>In order, none of them empty.</summary>
    private readonly List<Piece> pieces = [];

    public int Count { get; private set; }

    /// <summary>Null if there is none.</summary>
    public QueuedJob? Oldest => Count == 0 ? null : pieces[0][0];

    public IEnumerable<QueuedJob> All => pieces.SelectMany(piece => piece.All);

    /// <summary>The one that so many come before. Throws if there are not so many.</summary>
    public QueuedJob At(int index)
    {
        foreach (var piece in pieces)
        {
            if (index < piece.Count)
                return piece[index];
            index -= piece.Count;
        }

        throw new ArgumentOutOfRangeException(nameof(index));
    }

    /// <summary>How many are older than a job, which need not be here.</summary>
    public int CountBefore(QueuedJob job)
    {
        var place = PieceOf(job);
        var before = place < pieces.Count ? pieces[place].CountBefore(job) : 0;
        for (var i = 0; i < place; i++)
            before += pieces[i].Count;
        return before;
    }

    /// <summary>Adds a job that is not here.</summary>
    public void Add(QueuedJob job)
    {
        Count++;
        var place = pieces.Count > 0 && pieces[^1].EndsBefore(job) ? pieces.Count - 1 : PieceOf(job);
        if (place == pieces.Count)
        {
            // Only where there is no piece at all: every other job has one that it belongs into.
            pieces.Add(new Piece());
        }
        else if (pieces[place].Count == Most)
        {
            var isLast = pieces[place].EndsBefore(job);
            // New ones at the end leave full pieces behind.
            pieces.Insert(place + 1, isLast ? new Piece() : pieces[place].Split());
            if (isLast || pieces[place].EndsBefore(job))
                place++;
        }

        pieces[place].Add(job);
    }

    /// <summary>Removes a job. Throws if it is not here.</summary>
    public void Remove(QueuedJob job)
    {
        var place = Count > 0 && pieces[0][0] == job ? 0 : PieceOf(job);
        if (place == pieces.Count)
            throw new ArgumentException($"job {job.Id} does not wait here", nameof(job));
        pieces[place].Remove(job);
        Count--;
        if (pieces[place].Count == 0)
            pieces.RemoveAt(place);
        else if (place + 1 < pieces.Count && pieces[place].Count + pieces[place + 1].Count <= Most / 4)
            Join(place);
    }

    // So that jobs taken out here and there do not leave an array behind for each that stays.
    private void Join(int place)
    {
        pieces[place].Append(pieces[place + 1]);
        pieces.RemoveAt(place + 1);
    }

    /// <summary>The piece that a job is in if it is anywhere: the first that does not end before it; one past the last if all do.</summary>
    private int PieceOf(QueuedJob job)
    {
        var (low, high) = (0, pieces.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (pieces[middle].EndsBefore(job))
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>A sorted array that gives up its beginning without moving the rest.</summary>
    private sealed class Piece
    {
        private QueuedJob[] jobs = new QueuedJob[First];
        private int start, end;

        public int Count => end - start;

        public QueuedJob this[int index] => jobs[start + index];

        public IEnumerable<QueuedJob> All => jobs.Skip(start).Take(Count);

        public bool EndsBefore(QueuedJob job) => QueuedJob.OldestFirst.Compare(jobs[end - 1], job) < 0;

        public int CountBefore(QueuedJob job)
        {
            var index = Span.BinarySearch(job, QueuedJob.OldestFirst);
            return index < 0 ? ~index : index;
        }

        public void Add(QueuedJob job)
        {
            var index = Count == 0 || EndsBefore(job) ? Count : CountBefore(job);
            if (end == jobs.Length)
                MakeRoom();
            var after = jobs.AsSpan(start + index, Count - index);
            after.CopyTo(jobs.AsSpan(start + index + 1));
            jobs[start + index] = job;
            end++;
        }

        public void Remove(QueuedJob job)
        {
            var index = jobs[start] == job ? 0 : Span.BinarySearch(job, QueuedJob.OldestFirst);
            if (index < 0)
                throw new ArgumentException($"job {job.Id} does not wait here", nameof(job));
            if (index == 0)
            {
                jobs[start++] = null!;
                return;
            }

            Span[(index + 1)..].CopyTo(Span[index..]);
            jobs[--end] = null!;
        }

        public void Append(Piece next)
        {
            foreach (var job in next.Span)
                Add(job);
        }

        /// <summary>Keeps the older half; answers the other one.</summary>
        public Piece Split()
        {
            var half = Count / 2;
            var other = new Piece { jobs = new QueuedJob[Most], end = Count - half };
            Span[half..].CopyTo(other.jobs);
            Span[half..].Clear();
            end = start + half;
            return other;
        }

        private Span<QueuedJob> Span => jobs.AsSpan(start, Count);

        private void MakeRoom()
        {
            var moved = start >= jobs.Length / 2 ? jobs : new QueuedJob[Math.Min(2 * jobs.Length, Most)];
            // A full piece is split before, so that there is room where the array is as long as it may be.
            if (jobs.Length == Most)
                moved = jobs;
            var count = Count;
            Span.CopyTo(moved);
            if (moved == jobs)
                jobs.AsSpan(count, end - count).Clear();
            (jobs, start, end) = (moved, 0, count);
        }
    }
}
