/* Looking through the processes that there are: for every descendant of this process, or for those that should be stopped and run. */
#ifndef BUILDS_TREE_H
#define BUILDS_TREE_H

#include "sys.h"

#define MAX_PROCESSES 65536

static struct {
    s32 pid, parent;
    u8 ours;
} processes[MAX_PROCESSES];
static char tree_entries[32768];

static s32 parent_of(const char *pid)
{
    char path[64] = "/proc/", text[512];
    u64 n = length(pid);
    if (n > 16)
        return -1;
    memcpy(path + 6, pid, n);
    memcpy(path + 6 + n, "/stat", 6);
    int fd = (int)SYS(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    s64 size = SYS(read, fd, text, sizeof text - 1);
    SYS(close, fd);
    if (size <= 0)
        return -1;
    text[size] = 0;
    /* "PID (NAME) STATE PARENT": the name may hold anything, also brackets, so the last one counts. */
    for (s64 i = size - 1; i > 0; i--)
        if (text[i] == ')')
            return i + 4 < size ? (s32)number(text + i + 4) : -1;
    return -1;
}

/* Sends a signal to every descendant; returns how many there were. */
static u32 signal_descendants(int signal)
{
    s32 self = (s32)SYS(getpid, 0);
    u32 count = 0, found = 0;
    int fd = (int)SYS(openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    for (;;) {
        s64 n = SYS(getdents64, fd, tree_entries, sizeof tree_entries);
        if (n <= 0)
            break;
        for (s64 at = 0; at < n;) {
            struct directory_entry *e = (struct directory_entry *)(tree_entries + at);
            at += e->size;
            if (e->name[0] < '1' || e->name[0] > '9' || count == MAX_PROCESSES)
                continue;
            s32 parent = parent_of(e->name);
            if (parent < 0)
                continue;
            processes[count].pid = (s32)number(e->name);
            processes[count].parent = parent;
            processes[count].ours = parent == self;
            if (parent == self) {
                found++;
                SYS(kill, processes[count].pid, signal);
            }
            count++;
        }
    }
    SYS(close, fd);
    for (int changed = 1; changed;) {
        changed = 0;
        for (u32 i = 0; i < count; i++) {
            if (processes[i].ours)
                continue;
            for (u32 j = 0; j < count; j++)
                if (processes[j].ours && processes[j].pid == processes[i].parent) {
                    processes[i].ours = 1;
                    changed = 1;
                    found++;
                    SYS(kill, processes[i].pid, signal);
                    break;
                }
        }
    }
    return found;
}

/* What follows a name at the beginning of a line, or an empty text. */
static const char *line_of(const char *text, const char *name)
{
    for (; *text; text++) {
        const char *value = text;
        for (const char *n = name; *n && *value == *n; n++)
            value++;
        if (value - text == (s64)length(name))
            return value;
    }
    return text;
}

/* Whether a process was stopped and goes on all the same: it is not stopped, and no signal to stop waits for it to get its turn. */
static int goes_on(const char *pid)
{
    static char text[8192];
    char path[64] = "/proc/";
    u64 n = length(pid), pending = 0;
    if (n > 16)
        return 0;
    memcpy(path + 6, pid, n);
    memcpy(path + 6 + n, "/status", 8);
    int fd = (int)SYS(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    s64 size = SYS(read, fd, text, sizeof text - 1);
    SYS(close, fd);
    text[size > 0 ? size : 0] = 0;
    char state = *line_of(text, "\nState:\t");
    for (const char *digit = line_of(text, "\nShdPnd:\t"); *digit > '\n'; digit++)
        pending = pending << 4 | (u64)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    return (state == 'R' || state == 'S') && !(pending >> 18 & 1);
}

/* In a pid namespace of our own: how many processes beside us go on although they were stopped. Sends them a signal, if it is not 0. */
static u32 signal_restless(int signal)
{
    u32 found = 0;
    int fd = (int)SYS(openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    for (;;) {
        s64 n = SYS(getdents64, fd, tree_entries, sizeof tree_entries);
        if (n <= 0)
            break;
        for (s64 at = 0; at < n;) {
            struct directory_entry *e = (struct directory_entry *)(tree_entries + at);
            at += e->size;
            if (e->name[0] < '1' || e->name[0] > '9' || same(e->name, "1") || !goes_on(e->name))
                continue;
            found++;
            if (signal)
                SYS(kill, (s32)number(e->name), signal);
        }
    }
    SYS(close, fd);
    return found;
}

#endif
