namespace Builds.Logs.Masking;

/// <summary>
/// Finds every place of every form, in time that grows with the text alone: Aho and Corasick's automaton, behind a table that passes
/// over bytes at which no form begins. A state is the longest end of the text so far with which a form begins; 0 is none. Nothing changes
/// once it is made.
/// </summary>
internal sealed partial class FormMatcher
{
    private readonly Node[] nodes;
    private readonly int[] roots = new int[256];
    // Beyond the first child, which is the node that follows.
    private readonly Dictionary<long, int> branches = [];
    // Of the longest form that ends in a state, for states in which one does.
    private readonly Dictionary<int, int> lengths = [];
    private readonly FormBegins begins;

    /// <param name="Edge">The byte that leads here, with marks.</param>
    private record struct Node(int Fail, int Depth, ushort Edge)
    {
        /// <summary>The node before is the one above.</summary>
        public const ushort First = 0x100;
        public const ushort Branching = 0x200;
        public const ushort Ends = 0x400;
        public const ushort Incoming = 0x1FF;

        public readonly bool Has(ushort mark) => (Edge & mark) != 0;
    }

    /// <summary>How many bytes at the end of the text a form may begin with.</summary>
    public int Depth(int state) => nodes[state].Depth;

    /// <summary>Reads on from a state and answers the one at the end, in which a form may go on.</summary>
    /// <param name="origin">The position of the first byte.</param>
    public int Scan(ReadOnlySpan<byte> text, int state, SecretRuns found, long origin)
    {
        var at = 0;
        while (true)
        {
            if (state == 0)
            {
                at = begins.Next(text, at, out state);
                if (state == 0)
                    return Living(ScanEnd(text[at..], found, origin + at));
                at += SecretMask.Shortest;
                Note(state, found, origin + at);
            }

            while (true)
            {
                // A form mostly goes on as it did.
                while (at < text.Length && IsFirst(state + 1, text[at]))
                    Note(++state, found, origin + ++at);
                if (at == text.Length)
                    return Living(state);
                if (Child(state, text[at]) is not 0 and var child)
                {
                    state = child;
                    Note(state, found, origin + ++at);
                    continue;
                }

                state = nodes[state].Fail;
                var depth = nodes[state].Depth;
                if (depth >= SecretMask.Shortest || depth > at)
                    continue;
                // So little that looking it up once more is quicker than going on.
                at -= depth;
                state = 0;
                break;
            }
        }
    }

    /// <summary>The last bytes, of which the beginnings of forms are too short to be looked up.</summary>
    private int ScanEnd(ReadOnlySpan<byte> text, SecretRuns found, long origin)
    {
        var state = 0;
        for (var at = 0; at < text.Length; at++)
        {
            state = Step(state, text[at]);
            Note(state, found, origin + at + 1);
        }

        return state;
    }

    private void Note(int state, SecretRuns found, long position)
    {
        if (nodes[state].Has(Node.Ends))
            found.Add(position - lengths[state], position);
    }

    private int Step(int state, byte next)
    {
        while (true)
        {
            if (Child(state, next) is not 0 and var child)
                return child;
            if (state == 0)
                return 0;
            state = nodes[state].Fail;
        }
    }

    /// <summary>The state in which a form goes on with this byte; 0 if none does.</summary>
    private int Child(int state, byte next)
    {
        if (IsFirst(state + 1, next))
            return state + 1;
        if (state == 0)
            return roots[next];
        return nodes[state].Has(Node.Branching) ? branches.GetValueOrDefault(Key(state, next)) : 0;
    }

    private bool IsFirst(int state, byte incoming) => (nodes[state].Edge & Node.Incoming) == (incoming | Node.First);

    /// <summary>A state in which no form goes on is as good as what it falls back to, and holds back less.</summary>
    private int Living(int state)
    {
        while (state != 0 && !nodes[state + 1].Has(Node.First) && !nodes[state].Has(Node.Branching))
            state = nodes[state].Fail;
        return state;
    }

    private static long Key(int state, byte next) => ((long)state << 8) | next;
}
