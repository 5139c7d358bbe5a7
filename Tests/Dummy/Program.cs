using System.Globalization;
using System.Runtime.InteropServices;

// A program for builds to run: `dummy trace PID` tries to trace a process, and answers 0 if it may, 1 if it may not.
const int Seize = 0x4206;
return args is ["trace", var pid] && PTrace(Seize, int.Parse(pid, CultureInfo.InvariantCulture), 0, 0) == 0 ? 0 : 1;

[DllImport("libc", EntryPoint = "ptrace")]
[DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
static extern long PTrace(long request, int pid, long address, long data);
