using Builds.Manifests;
using Builds.Support;

namespace Builds.Execution;

/// <summary>Builds that are run by this process and by others, and must come out the same.</summary>
internal static partial class Plans
{
    public static BuildPlan Named(string name, string argument) => name switch
    {
        "prowl" => ExecutorHarness.Plan(Prowl(argument)),
        "whole" => ExecutorHarness.Plan(Whole(argument)),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "There is no such plan."),
    };

    /// <summary>
    /// Tries to leave its sandbox, and says what was possible. The argument is the data directory, which holds a file
    /// <c>token</c> and a home of slot 1; beside it lies a file <c>DATA.secret</c>, of mode 0600.
    /// </summary>
    private static BuildManifest Prowl(string data) => ExecutorHarness.Manifest($$"""
        set +xe
        try() { name=$1; shift; if "$@" >out 2>&1; then echo "POSSIBLE: $name:$(cat out)"; else echo "refused: $name"; fi; }
        try 'read a file of another user' cat {{data}}.secret
        try 'read the data directory' cat {{data}}/token
        try 'read the home of another slot' cat {{data}}/slots/1/place/home/.buildenv
        sleep 1000 &
        until read -r name </proc/$!/comm && [ "$name" = sleep ]; do :; done
        echo processes: $(for p in /proc/[0-9]*; do read -r name <$p/comm; echo $name; done)
        try 'read the environment of the guard' cat /proc/1/environ
        try 'read the memory of the guard' dd if=/proc/1/mem of=/dev/null count=1
        try 'see the descriptors of the guard' ls /proc/1/fd
        try 'go through the root of the guard' ls /proc/1/root/
        try 'trace the guard' {{TestProgram.Dotnet}} {{Path.Combine(AppContext.BaseDirectory, "dummy.dll")}} trace 1
        try 'trace its own process' {{TestProgram.Dotnet}} {{Path.Combine(AppContext.BaseDirectory, "dummy.dll")}} trace $!
        for signal in $(seq 64); do kill -$signal 1 2>/dev/null; done
        case $(grep ^State /proc/1/status) in *[RSD]' ('*) echo 'the guard after all signals: alive';; esac
        try 'make a user namespace' unshare -U true
        try 'make a mount namespace' unshare -m true
        try 'change the system' touch /usr/bin/x
        try 'change the tools' touch /run/builds/bin/x
        try 'become root' sudo -n true
        try 'write kernel settings' sh -c 'echo 1 > /proc/sys/kernel/sysrq'
        try 'make a device' mknod null c 1 3
        try 'mount' mount -t tmpfs none /tmp
        try 'give a file away' chown 0 out
        try 'use a keyring' grep build /proc/keys
        echo capabilities: $(grep ^Cap /proc/self/status | cut -f2 | sort -u)
        echo no new privileges: $(grep ^NoNewPrivs /proc/self/status | cut -f2)
        echo homes: $(ls /home)
        """);

    /// <summary>What <see cref="Prowl"/> must be able to say at the end of its log.</summary>
    public const string ProwlRefused = """
        refused: read a file of another user
        refused: read the data directory
        refused: read the home of another slot
        processes: init bash sleep bash
        refused: read the environment of the guard
        refused: read the memory of the guard
        refused: see the descriptors of the guard
        refused: go through the root of the guard
        refused: trace the guard
        POSSIBLE: trace its own process:
        the guard after all signals: alive
        refused: make a user namespace
        refused: make a mount namespace
        refused: change the system
        refused: change the tools
        refused: become root
        refused: write kernel settings
        refused: make a device
        refused: mount
        refused: give a file away
        refused: use a keyring
        capabilities: 0000000000000000
        no new privileges: 1
        homes: build

        """;
}
