namespace Builds.Logs.Masking;

/// <summary>
/// Finds every place of every form, in time that grows with the text alone: Aho and Corasick's automaton, behind a filter that passes
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
    private readonly BeginFilter filter;

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
        // Not before: from where the filter stopped, enough is read to know more than the filter.
        var leave = 0;
        while (true)
        {
            if (state == 0)
            {
                at = filter.Next(text, at);
                leave = at + SecretMask.Shortest;
            }

            do
            {
                if (at == text.Length)
                    return Living(state);
                state = Step(state, text[at++]);
                if (nodes[state].Has(Node.Ends))
                    found.Add(origin + at - lengths[state], origin + at);
            }
            while (at < leave || nodes[state].Depth >= SecretMask.Shortest || at < nodes[state].Depth);

            // So little that the filter is quicker to look at it again.
            at -= nodes[state].Depth;
            state = 0;
        }
    }

    private int Step(int state, byte next)
    {
        while ((nodes[state + 1].Edge & Node.Incoming) != (next | Node.First))
        {
            if (state == 0)
                return roots[next];
            if (nodes[state].Has(Node.Branching) && branches.TryGetValue(Key(state, next), out var branch))
                return branch;
            state = nodes[state].Fail;
        }

        return state + 1;
    }

    /// <summary>A state in which no form goes on is as good as what it falls back to, and holds back less.</summary>
    private int Living(int state)
    {
        while (state != 0 && !nodes[state + 1].Has(Node.First) && !nodes[state].Has(Node.Branching))
            state = nodes[state].Fail;
        return state;
    }

    private static long Key(int state, byte next) => ((long)state << 8) | next;
}
