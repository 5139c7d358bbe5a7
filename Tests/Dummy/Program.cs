using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

// A program for builds to run.
// dummy trace PID                tries to trace a process, and answers 0 if it may, 1 if it may not
// dummy adopt PROGRAM ARGUMENT…  runs a program as the reaper of all that it leaves, and stays for ever
const int Seize = 0x4206, SetChildSubreaper = 36;
if (args is ["adopt", var program, .. var arguments])
{
    if (Control(SetChildSubreaper, 1, 0, 0, 0) != 0) return 2;
    using var child = Process.Start(program, arguments);
    await child.WaitForExitAsync();
    await Task.Delay(Timeout.Infinite);
}
return args is ["trace", var pid] && PTrace(Seize, int.Parse(pid, CultureInfo.InvariantCulture), 0, 0) == 0 ? 0 : 1;

[DllImport("libc", EntryPoint = "ptrace")]
[DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
static extern long PTrace(long request, int pid, long address, long data);

[DllImport("libc", EntryPoint = "prctl")]
[DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
static extern int Control(int option, ulong value, ulong unused3, ulong unused4, ulong unused5);
