using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Builds.Execution.Native;

/// <summary>Files that are mostly holes.</summary>
internal static class SparseFile
{
    private const int SeekData = 3, SeekHole = 4;

    /// <summary>The parts that were written, from and to, in order; the whole file where the file system does not tell.</summary>
    public static IEnumerable<(long Start, long End)> Data(SafeFileHandle file)
    {
        for (long at = 0; ;)
        {
            var start = Libc.Seek(file, at, SeekData);
            if (start < 0) yield break;
            at = Libc.Seek(file, start, SeekHole);
            if (at < 0) throw new IOException($"A file cannot be searched for holes: {Marshal.GetLastPInvokeErrorMessage()}.");
            yield return (start, at);
        }
    }
}
