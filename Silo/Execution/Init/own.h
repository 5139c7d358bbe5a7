/*
 * For a silo that is an ordinary user: a user namespace whose users 0 to 65535 are the silo's subordinate ones and 65536 is itself, and whose
 * root we become; and, if that is wanted, a network there. See enter.h.
 */
#ifndef BUILDS_OWN_H
#define BUILDS_OWN_H

#include "mounts.h"
#include "sys.h"

enum { NEW_NETWORK = 0x40000000, CHILD_SIGNAL = 17, FREE_NUMBERS = 64, MOST_WORDS = 4000 };

static char *no_variables[] = {0};

static void run(char **words)
{
    s64 error = SYS(execve, words[0], words, no_variables);
    complain(2, "cannot start ", words[0], error);
    SYS(exit_group, ENTER_FAILED);
}

/* As in `newuidmap PROCESS 0 FIRST 65536 65536 OURS 1`; 0 if that worked. */
static int map_users(const char *program, char *process, const char *first, s64 ours)
{
    char path[4096], count[24], number[24];
    s32 status = -1;
    if (length(around.mappers) + length(program) + 2 > sizeof path)
        return -1;
    append(append(append(path, around.mappers), "/"), program);
    decimal(count, MAPPED);
    decimal(number, (u64)ours);
    s32 child = (s32)SYS(clone, CHILD_SIGNAL, 0, 0, 0, 0);
    if (child == 0) {
        char *words[] = {path, process, "0", (char *)first, count, count, number, "1", 0};
        SYS(close_range, 3, ~0u, 0);
        run(words);
    }
    SYS(wait4, child, &status, 0, 0);
    return status;
}

/* Serves the network of a process until that ends: then `life` is closed, which ends slirp4netns. `ready` gets a byte, or nobody has it any more. */
static void serve_network(char *process, int parent, int ready, int words)
{
    struct {
        s32 fd;
        unsigned short wanted, seen;
    } ended = {4, 1 /* POLLIN */, 0};
    int life[2];
    if (SYS(pipe2, life, O_CLOEXEC) < 0)
        return;
    s32 child = (s32)SYS(clone, CHILD_SIGNAL, 0, 0, 0, 0);
    if (child == 0) {
        char *program[] = {(char *)around.network, "--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp",
                           "--ready-fd=3", "--exit-fd=4", process, "tap0", 0};
        /* Out of the way of 3 and 4 first, whatever numbers they have. */
        int high_ready = (int)SYS(fcntl, ready, F_DUPFD_CLOEXEC, FREE_NUMBERS), high_life = (int)SYS(fcntl, life[0], F_DUPFD_CLOEXEC, FREE_NUMBERS);
        SYS(dup3, words, 2, 0);
        SYS(dup3, high_ready, 3, 0);
        SYS(dup3, high_life, 4, 0);
        SYS(close_range, 5, ~0u, 0);
        run(program);
    }
    /* Nothing of the silo's may stay open here. A signal at its end would not do: by then it is somebody who may send us none. */
    life[1] = (int)SYS(fcntl, life[1], F_DUPFD_CLOEXEC, FREE_NUMBERS);
    parent = (int)SYS(fcntl, parent, F_DUPFD_CLOEXEC, FREE_NUMBERS);
    SYS(dup3, life[1], 3, 0);
    SYS(dup3, parent, 4, 0);
    SYS(close_range, 5, ~0u, 0);
    SYS(close, 2);
    while (SYS(ppoll, &ended, 1, 0, 0, 0) < 0)
        ;
}

/* What only somebody outside of the namespace can do for it. Lives no longer than the sandbox, which the caller becomes. */
static void help_from_outside(int there, int done, int words, s64 user, s64 group)
{
    char process[24], byte = 0;
    s64 caller = SYS(getppid, 0);
    int parent = (int)SYS(pidfd_open, caller, 0);
    if (parent >= 0 && SYS(read, there, &byte, 1) == 1) {
        decimal(process, (u64)caller);
        byte = map_users("newuidmap", process, around.uids, user) || map_users("newgidmap", process, around.gids, group);
        SYS(write, done, &byte, 1);
        if (byte == 0 && around.network)
            serve_network(process, parent, done, words);
    }
    SYS(exit_group, 0);
}

static void own_users(void)
{
    int there[2], done[2];
    char byte = 0, text[MOST_WORDS + 1];
    s64 user = SYS(geteuid, 0), group = SYS(getegid, 0), error;
    int words = (int)SYS(memfd_create, "words", 3 /* MFD_CLOEXEC | MFD_ALLOW_SEALING */);
    if (!around.gids || !around.mappers || words < 0 || SYS(pipe2, there, O_CLOEXEC) < 0 || SYS(pipe2, done, O_CLOEXEC) < 0)
        enter_failed("cannot prepare a user namespace", "", 0);
    /* Whatever packets of a build make slirp4netns say, it takes no more memory than this. */
    SYS(ftruncate, words, MOST_WORDS);
    SYS(fcntl, words, F_ADD_SEALS, F_SEAL_GROW);
    s32 child = (s32)SYS(clone, CHILD_SIGNAL, 0, 0, 0, 0);
    if (child == 0) {
        SYS(close, there[1]);
        SYS(close, done[0]);
        help_from_outside(there[0], done[1], words, user, group);
    }
    SYS(close, done[1]);
    error = SYS(unshare, around.network ? NEW_USERS | NEW_NETWORK : NEW_USERS);
    if (error < 0)
        enter_failed("cannot make a user namespace", "", error);
    SYS(write, there[1], &byte, 1);
    if (SYS(read, done[0], &byte, 1) != 1 || byte != 0)
        enter_failed("the subordinate users cannot be had by ", around.mappers, 0);
    if (around.network && SYS(read, done[0], &byte, 1) != 1) {
        s64 n = SYS(pread64, words, text, MOST_WORDS, 0);
        text[n < 0 ? 0 : n] = 0;
        SYS(write, 2, text, length(text));
        enter_failed("there is no network by ", around.network, 0);
    }
    error = become_root();
    if (error < 0)
        enter_failed("cannot become root of the subordinate users", "", error);
}

#endif
