namespace Builds.Logs.Masking;

/// <summary>How the automaton is made.</summary>
internal sealed partial class FormMatcher
{
    /// <param name="forms">At least one, each of <see cref="SecretMask.Shortest"/> bytes or more.</param>
    public FormMatcher(IEnumerable<byte[]> forms)
    {
        var sorted = forms.ToArray();
        Array.Sort(sorted, static (one, other) => one.AsSpan().SequenceCompareTo(other));
        var count = 1;
        for (var i = 0; i < sorted.Length; i++)
            count += sorted[i].Length - Shared(sorted, i);

        // The one at the end is nobody's child.
        nodes = new Node[count + 1];
        begins = new FormBegins(sorted.Length);
        Plant(sorted, out var parents);
        Link(parents);
    }

    private static int Shared(byte[][] sorted, int i) => i == 0 ? 0 : sorted[i - 1].AsSpan().CommonPrefixLength(sorted[i]);

    /// <summary>Sorted, each form leaves the one before it at one node, and its own nodes follow each other.</summary>
    private void Plant(byte[][] sorted, out int[] parents)
    {
        parents = new int[nodes.Length];
        var path = new int[sorted.Max(form => form.Length) + 1];
        var next = 1;
        for (var i = 0; i < sorted.Length; i++)
        {
            var form = sorted[i];
            for (var depth = Shared(sorted, i); depth < form.Length; depth++, next++)
            {
                var parent = path[depth];
                nodes[next] = new Node(0, depth + 1, form[depth]);
                if (next == parent + 1)
                {
                    nodes[next].Edge |= Node.First;
                }
                else if (parent != 0)
                {
                    nodes[parent].Edge |= Node.Branching;
                    branches.Add(Key(parent, form[depth]), next);
                }

                if (parent == 0)
                    roots[form[depth]] = next;
                parents[next] = parent;
                path[depth + 1] = next;
            }

            lengths[path[form.Length]] = form.Length;
            begins.Add(form, path[SecretMask.Shortest]);
        }
    }

    /// <summary>From the shallow nodes to the deep ones: what a node falls back to is always less deep.</summary>
    private void Link(int[] parents)
    {
        foreach (var node in ByDepth())
        {
            ref var here = ref nodes[node];
            if (parents[node] != 0)
                here.Fail = Step(nodes[parents[node]].Fail, (byte)here.Edge);
            if (lengths.ContainsKey(node) || (lengths.TryGetValue(here.Fail, out var shorter) && lengths.TryAdd(node, shorter)))
                here.Edge |= Node.Ends;
        }
    }

    private int[] ByDepth()
    {
        var order = new int[nodes.Length - 2];
        var places = new int[nodes.Max(node => node.Depth) + 2];
        for (var node = 1; node <= order.Length; node++)
            places[nodes[node].Depth + 1]++;
        for (var depth = 1; depth < places.Length; depth++)
            places[depth] += places[depth - 1];
        for (var node = 1; node <= order.Length; node++)
            order[places[nodes[node].Depth]++] = node;
        return order;
    }
}
