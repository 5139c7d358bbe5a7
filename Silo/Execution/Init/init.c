/*
 * The guard of one sandbox: pid 1 of its pid namespace, or, without one, the reaper of everything below it.
 *
 *   init MODE UID GID LEASE MARK...     MODE: process (no namespace), namespace, mapped (a user namespace with many users, whose root
 *                                       we are), or container (the same, and its tool has confined it already);
 *                                       UID, GID: of the commands, or - for our own; LEASE: nanoseconds of CLOCK_BOOTTIME;
 *                                       MARK: for people and for the next silo
 *   init wipe DIRECTORY                 see wipe.h
 *   init enter NAME=VALUE... -- PROGRAM see enter.h
 *   init sudo UID GID PROGRAM...        see sudo.h
 *
 * Descriptor 3 is the silo. When it closes, or when the lease is over, everything inside ends at once. That must hold
 * whatever the build does and whatever has become of the silo, so: no C library, no memory but what is laid out here, one
 * loop that never blocks anywhere but in its own wait.
 *
 * Both directions carry frames: length of the payload (u32), type (u32), payload; numbers as the processor has them. What they
 * say of shells, once the build has ended, is in shell.h.
 */
#include "sys.h"
#include "confine.h"
#include "tree.h"
#include "wipe.h"
#include "enter.h"
#include "sudo.h"

enum { SILO = 3, LIFE = 10 };
enum { FROM_SILO_LEASE = 1, FROM_SILO_RUN = 2, FROM_SILO_TERM = 3, FROM_SILO_FREEZE = 4, FROM_SILO_THAW = 5 };
enum {
    FROM_SILO_SHELL = 6,
    FROM_SILO_SHELL_INPUT = 7,
    FROM_SILO_SHELL_CREDIT = 8,
    FROM_SILO_SHELL_SIZE = 9,
    FROM_SILO_SHELL_CLOSE = 10
};
enum { TO_SILO_HELLO = 1, TO_SILO_OUTPUT = 2, TO_SILO_EXIT = 3, TO_SILO_EMPTY = 4 };
enum { TO_SILO_SHELL_OUTPUT = 5, TO_SILO_SHELL_TAKEN = 6, TO_SILO_SHELL_EXIT = 7 };
enum { RUN_READS_FILE = 1, RUN_AS_ROOT = 2, RUN_WRITES_FILE = 4, RUN_FINDS_ROOM = 8, RUN_SYNCS_DISK = 16 };
enum { END_CLOSED = 0, END_LEASE = 80, END_PROTOCOL = 81, END_SETUP = 82 };
enum { NOT_A_FILE = 200, NOT_STARTED = 127 };

enum { KILL = 9, TERM = 15, CHLD = 17, CONT = 18, STOP = 19 };
enum { EVENT_IN = 1, EVENT_OUT = 4, EVENT_ERR = 8, EVENT_HUP = 16, EVENT_RDHUP = 0x2000 };
enum { TAG_SILO, TAG_SIGNAL, TAG_TIMER, TAG_PIPE, TAG_SEALED, TAG_DOOR, TAG_CALLER, TAG_SHELL_OUTPUT, TAG_SHELL_INPUT };
enum { BOOTTIME = 7, ABSOLUTE = 1, NO_WAIT = 1 };
enum { CHUNK = 65536, HEADER = 8, RESERVE = 256, MAX_WORDS = 16384 };
#define NOBODY 0xffffffffu
#define CAPABILITIES ((1u << CAP_SETUID) | (1u << CAP_SETGID) | (1u << CAP_KILL))
/* Of root in a user namespace of its own: what installing packages takes, and nothing that reaches beyond files and processes. */
#define ROOT_CAPABILITIES                                                                                                  \
    (CAPABILITIES | (1u << CAP_CHOWN) | (1u << CAP_DAC_OVERRIDE) | (1u << CAP_FOWNER) | (1u << CAP_FSETID) |               \
     (1u << CAP_SETFCAP) | (1u << CAP_SETPCAP) | (1u << CAP_NET_BIND_SERVICE) | (1u << CAP_SYS_CHROOT))

struct event {
    u32 events;
    u64 data;
}
#if defined(__x86_64__)
__attribute__((packed))
#endif
;

static struct {
    int own_namespace, mapped, container;
    u32 uid, gid;
    u64 lease;
    int queue, signals, timer;
} guard;

static struct {
    s32 pid;          /* 0: none runs */
    int pipe;         /* -1: at its end */
    int paused;       /* the silo is slow: the pipe is not watched */
    int ended;        /* the script exited: `left` bytes of the pipe are still its own */
    u32 left;
    u32 kind, code;
} command = {.pipe = -1};

/* Who asked for a command as another user: see sudo.h. */
static struct {
    int line; /* 0: free */
    s32 pid;  /* 0: has not said yet what to run */
} callers[SUDO_CALLERS];

static int door, door_closed;
static int terminating, empty_told, control_gone;
static int frozen;
static u32 restless, quiet; /* how often something went on all the same; how often in a row nothing did */
static u8 in[131072], out[CHUNK + HEADER + RESERVE], scrap[CHUNK];
static u32 in_length, out_start, out_length;
static u32 watching_out;

/* ---- ending ---------------------------------------------------------------------------------------------------- */

static s32 fork_process(void)
{
    return (s32)SYS(clone, CHLD, 0, 0, 0, 0);
}

static void become(u32 uid, u32 gid)
{
    if (SYS(setgroups, 0, 0) < 0 || SYS(setresgid, gid, gid, gid) < 0 || SYS(setresuid, uid, uid, uid) < 0)
        SYS(exit_group, NOT_STARTED);
}

static void become_build(void)
{
    if (guard.uid != NOBODY)
        become(guard.uid, guard.gid);
}

/* One signal to everything inside. With a user of their own, one call reaches all processes, also those just forking. */
static void signal_all(int signal)
{
    if (guard.own_namespace) {
        SYS(kill, -1, signal);
    } else if (guard.uid != NOBODY) {
        s32 helper = fork_process();
        if (helper == 0) {
            become_build();
            SYS(kill, -1, signal);
            SYS(exit_group, 0);
        }
        if (helper > 0)
            SYS(wait4, helper, 0, 0x40000000 /* __WALL */, 0);
    } else {
        signal_descendants(signal);
    }
}

/*
 * Stops everything, and again with each lease: processes that wake each other all the time may escape, since a signal to go on takes back one
 * to stop that was not heard yet. After some patience those that go on are killed, and in the end everything is. Once nothing did for some
 * time nobody is left who could wake anybody, but for the kernel, when it ends a process for want of memory.
 */
static void freeze(void)
{
    enum { PATIENCE = 5, LAST = 30, SURE = 3 };
    if (guard.own_namespace && frozen && quiet < SURE) {
        if (signal_restless(restless >= PATIENCE ? KILL : 0) == 0) {
            quiet++;
        } else {
            quiet = 0;
            if (++restless > LAST)
                signal_all(KILL);
        }
    }
    frozen = 1;
    signal_all(STOP);
}

static void thaw(void)
{
    frozen = 0;
    restless = quiet = 0;
    signal_all(CONT);
}

static void finish(int code)
{
    /* The kernel ends a pid namespace with its first process. Without one, kill until no child is left to reap: every
       descendant has a child of ours above it, since what loses its parent becomes our child. */
    while (!guard.own_namespace) {
        s64 pid, one[2] = {0, 2000000};
        u64 chld = 1ul << (CHLD - 1);
        while ((pid = SYS(wait4, -1, 0, NO_WAIT, 0)) > 0)
            ;
        if (pid == -ECHILD)
            break;
        signal_all(KILL);
        signal_descendants(KILL);
        SYS(rt_sigtimedwait, &chld, 0, one, sizeof chld);
    }
    SYS(exit_group, code);
}

static void stop_with(int code, const char *what, s64 error)
{
    complain(LIFE, what, "", error);
    finish(code);
}

/* ---- to the silo ----------------------------------------------------------------------------------------------- */

static void watch(int what, int fd, u32 events, u64 tag)
{
    struct event e = {events, tag | (u64)fd << 8};
    s64 error = SYS(epoll_ctl, guard.queue, what, fd, &e);
    if (error < 0)
        stop_with(END_SETUP, "the guard cannot watch a descriptor", error);
}

enum { ADD = 1, REMOVE = 2, CHANGE = 3 };

static void flush(void)
{
    while (out_length) {
        s64 n = SYS(write, SILO, out + out_start, out_length);
        if (n == -EAGAIN)
            break;
        if (n == -EINTR)
            continue;
        if (n < 0) {
            control_gone = 1;
            break;
        }
        out_start += (u32)n;
        out_length -= (u32)n;
    }
    if (!out_length)
        out_start = 0;
    u32 wanted = out_length ? EVENT_OUT : 0;
    if (wanted != watching_out) {
        watching_out = wanted;
        watch(CHANGE, SILO, EVENT_IN | EVENT_RDHUP | wanted, TAG_SILO);
    }
}

static u32 space(void)
{
    return (u32)sizeof out - out_start - out_length;
}

static u8 *put_header(u32 size, u32 type)
{
    u32 *head = (u32 *)(void *)scrap;
    head[0] = size;
    head[1] = type;
    u8 *at = out + out_start + out_length;
    memcpy(at, scrap, HEADER);
    out_length += HEADER;
    return at + HEADER;
}

static void tell(u32 type, const u32 *words, u32 count)
{
    if (out_start && space() < RESERVE / 2) {
        for (u32 i = 0; i < out_length; i++)
            out[i] = out[out_start + i];
        out_start = 0;
    }
    u8 *at = put_header(count * 4, type);
    memcpy(at, words, count * 4);
    out_length += count * 4;
    flush();
}

/* ---- what a command writes ------------------------------------------------------------------------------------- */

static void reap(void);
static void answer_caller(s64 pid, s32 status);
static int end_shell(s64 pid, s32 status);

static void command_over(void)
{
    u32 words[2] = {command.kind, command.code};
    if (command.pipe >= 0) {
        /* What daemons write from now on belongs to no log; it is read so that they neither block nor die. */
        watch(command.paused ? ADD : CHANGE, command.pipe, EVENT_IN, TAG_SEALED);
        command.pipe = -1;
    }
    command.pid = 0;
    command.ended = 0;
    command.paused = 0;
    tell(TO_SILO_EXIT, words, 2);
    if (terminating)
        reap();
}

static void close_pipe(void)
{
    if (!command.paused)
        watch(REMOVE, command.pipe, 0, TAG_PIPE);
    command.paused = 0;
    SYS(close, command.pipe);
    command.pipe = -1;
    if (command.ended)
        command_over();
}

static void pump(void)
{
    while (command.pipe >= 0) {
        if (command.ended && command.left == 0) {
            command_over();
            return;
        }
        /* Only into an empty buffer: then each frame is as large as what the pipe holds, and controls always fit. */
        if (out_length) {
            if (!command.paused)
                watch(REMOVE, command.pipe, 0, TAG_PIPE);
            command.paused = 1;
            return;
        }
        u32 size = CHUNK;
        if (command.ended && command.left < size)
            size = command.left;
        s64 n = SYS(read, command.pipe, out + HEADER, size);
        if (n == -EAGAIN && !command.ended) {
            if (command.paused)
                watch(ADD, command.pipe, EVENT_IN, TAG_PIPE);
            command.paused = 0;
            return;
        }
        if (n <= 0) {
            close_pipe();
            return;
        }
        put_header((u32)n, TO_SILO_OUTPUT);
        out_length += (u32)n;
        if (command.ended)
            command.left -= (u32)n;
        flush();
        if (!command.ended && !out_length) {
            if (command.paused)
                watch(ADD, command.pipe, EVENT_IN, TAG_PIPE);
            command.paused = 0;
            return; /* others first; the pipe reports again if it holds more */
        }
    }
}

static void drop(int fd)
{
    s64 n = SYS(read, fd, scrap, sizeof scrap);
    if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR)) {
        watch(REMOVE, fd, 0, TAG_SEALED);
        SYS(close, fd);
    }
}

static void reap(void)
{
    for (;;) {
        s32 status = 0;
        s64 pid = SYS(wait4, -1, &status, NO_WAIT, 0);
        if (pid == command.pid && pid > 0) {
            u32 waiting = 0;
            command.kind = (status & 0x7f) ? 1 : 0;
            command.code = (status & 0x7f) ? (u32)(status & 0x7f) : (u32)(status >> 8 & 0xff);
            command.ended = 1;
            if (command.pipe >= 0)
                SYS(ioctl, command.pipe, 0x541b /* FIONREAD */, &waiting);
            command.left = waiting;
            if (command.pipe >= 0)
                pump();
            else
                command_over();
        } else if (pid > 0) {
            if (!end_shell(pid, status))
                answer_caller(pid, status);
        } else if (pid == -ECHILD && terminating && !empty_told && command.pid == 0) {
            empty_told = 1;
            tell(TO_SILO_EMPTY, 0, 0);
        }
        if (pid <= 0)
            return;
    }
}

/* ---- starting a command ---------------------------------------------------------------------------------------- */

struct order {
    u32 flags, arguments, variables;
    const char *directory;
    char *words[MAX_WORDS + 2]; /* arguments, null, variables, null */
};

static const char *find_variable(char **environment, const char *name)
{
    u64 n = length(name);
    for (; *environment; environment++) {
        u64 i = 0;
        while (i < n && (*environment)[i] == name[i])
            i++;
        if (i == n && (*environment)[n] == '=')
            return *environment + n + 1;
    }
    return "";
}

/* A script that the silo has just written is "busy" as long as a process that it forked at that moment, for another build,
   still holds a copy of the descriptor: until its exec. */
static s64 execute_file(const char *path, char **arguments, char **environment)
{
    s64 pause[2] = {0, 1000000}, error = 0;
    for (int tries = 0; tries < 1000; tries++) {
        error = SYS(execve, path, arguments, environment);
        if (error != -ETXTBSY)
            break;
        SYS(nanosleep, pause, 0);
    }
    return error;
}

static s64 execute(char **arguments, char **environment)
{
    static char path[4096];
    const char *name = arguments[0];
    u64 n = length(name);
    for (const char *s = name; *s; s++)
        if (*s == '/')
            return execute_file(name, arguments, environment);
    s64 error = -ENOENT;
    for (const char *p = find_variable(environment, "PATH"); *p;) {
        u64 size = 0;
        while (p[size] && p[size] != ':')
            size++;
        if (size && size + n + 2 < sizeof path) {
            memcpy(path, p, size);
            path[size] = '/';
            memcpy(path + size + 1, name, n + 1);
            s64 e = execute_file(path, arguments, environment);
            if (e != -ENOENT && e != -ENOTDIR)
                error = e;
        }
        p += size;
        if (*p)
            p++;
    }
    return error;
}

/* Sends a regular file of the build, opened with the rights of the build, to our output. The exit code is the errno. */
static int read_file(const char *path)
{
    struct stat about;
    int fd = (int)SYS(openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd < 0)
        return -fd;
    if (SYS(fstat, fd, &about) < 0 || (about.st_mode & 0170000) != 0100000)
        return NOT_A_FILE;
    for (;;) {
        s64 n = SYS(read, fd, scrap, sizeof scrap);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return (int)-n;
        for (s64 done = 0; done < n;) {
            s64 w = SYS(write, 1, scrap + done, n - done);
            if (w < 0 && w != -EINTR)
                return (int)-w;
            if (w > 0)
                done += w;
        }
    }
}

/* A container is confined by its tool, and sudo is to work in it. */
static void confine(int as_root)
{
    if (guard.container)
        return;
    keep_capabilities(as_root ? ROOT_CAPABILITIES : 0);
    s64 error = filter_calls();
    if (error < 0) {
        complain(2, "cannot limit the system calls of the build", "", error);
        SYS(exit_group, NOT_STARTED);
    }
}

/* From here on this is the build's own process, and it may know: the first to be killed when memory runs out. */
static void belong_to_build(void)
{
    SYS(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    int score = (int)SYS(openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
    if (score >= 0) {
        SYS(write, score, "500", 3);
        SYS(close, score);
    }
}

/* Writes a file of the build with the rights of the build, and the directories above it: path, mode in octal, text. */
static int write_file_of_build(char *path, const char *octal, const char *text)
{
    u64 mode = 0;
    for (; *octal >= '0' && *octal <= '7'; octal++)
        mode = mode * 8 + (u64)(*octal - '0');
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            SYS(mkdirat, AT_FDCWD, path, 0755);
            *p = '/';
        }
    int fd = (int)SYS(openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return -fd;
    for (u64 left = length(text); left;) {
        s64 n = SYS(write, fd, text, left);
        if (n < 0 && n != -EINTR)
            return (int)-n;
        if (n > 0)
            text += n, left -= (u64)n;
    }
    s64 error = SYS(fchmod, fd, mode);
    SYS(close, fd);
    return (int)-error;
}

/* Whether a disk has some room left: a file of a megabyte, or sixteen small ones. The exit code is the errno. */
static int find_room(const char *path)
{
    struct {
        s64 type, block_size, blocks, free, available, files, files_free, rest[32];
    } about;
    s64 error = SYS(statfs, path, &about);
    if (error < 0)
        return (int)-error;
    return about.available * about.block_size < 1 << 20 || about.files_free < 16 ? ENOSPC : 0;
}

/* Whether a disk has all that was written to it: brings it there, and hears of what could not be since nobody was told. The exit code is the errno. */
static int sync_disk(const char *path)
{
    int fd = (int)SYS(openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return fd < 0 ? -fd : -(int)SYS(syncfs, fd);
}

/* input: or -1, and then there is nothing to read. */
static void child(struct order *order, int input, int output, int terminal)
{
    u64 none = 0, files[2];
    SYS(setsid, 0);
    if (terminal)
        SYS(ioctl, input, 0x540e /* TIOCSCTTY */, 0);
    if (input >= 0)
        SYS(dup3, input, 0, 0);
    SYS(dup3, output, 1, 0);
    SYS(dup3, output, 2, 0);
    SYS(close_range, 3, ~0u, 0);
    SYS(umask, 022);
    /* A .NET process raises its own limit to the maximum; programs that close "all" descriptors would crawl. */
    if (SYS(prlimit64, 0, 7, 0, files) == 0 && files[0] > 1024) {
        files[0] = 1024;
        SYS(prlimit64, 0, 7, files, 0);
    }
    int as_root = (order->flags & RUN_AS_ROOT) != 0;
    if (!as_root && !guard.container)
        bound_capabilities(0);
    if (!as_root)
        become_build();
    confine(as_root);
    s64 error = SYS(chdir, order->directory);
    if (error < 0) {
        complain(2, "cannot enter ", order->directory, error);
        SYS(exit_group, NOT_STARTED);
    }
    if (order->flags & RUN_READS_FILE) {
        SYS(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, sizeof none);
        SYS(exit_group, read_file(order->words[0]));
    }
    if (order->flags & RUN_FINDS_ROOM) {
        SYS(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, sizeof none);
        SYS(exit_group, find_room(order->words[0]));
    }
    if (order->flags & RUN_SYNCS_DISK) {
        SYS(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, sizeof none);
        SYS(exit_group, sync_disk(order->words[0]));
    }
    if (order->flags & RUN_WRITES_FILE) {
        SYS(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, sizeof none);
        SYS(exit_group, order->arguments == 3 ? write_file_of_build(order->words[0], order->words[1], order->words[2]) : EINVAL);
    }
    belong_to_build();
    SYS(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, sizeof none);
    error = execute(order->words, order->words + order->arguments + 1);
    complain(2, "cannot start ", order->words[0], error);
    SYS(exit_group, NOT_STARTED);
}

/* What is opened in between belongs to the build. */
static void like_build(int on)
{
    if (guard.uid == NOBODY)
        return;
    if (on) {
        SYS(setfsgid, guard.gid);
        SYS(setfsuid, guard.uid);
    } else {
        SYS(setfsuid, 0);
        SYS(setfsgid, 0);
        SYS(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

/* Or it could not open /dev/stdout. */
static s64 pipe_of_build(int *ends)
{
    like_build(1);
    s64 error = SYS(pipe2, ends, O_CLOEXEC);
    like_build(0);
    return error;
}

static void start(struct order *order)
{
    int ends[2];
    if (command.pid)
        stop_with(END_PROTOCOL, "a command was sent while one ran", 0);
    if (terminating) {
        u32 by_term[2] = {1, TERM};
        tell(TO_SILO_EXIT, by_term, 2);
        return;
    }
    if (pipe_of_build(ends) < 0) {
        /* Root of the sandbox may have taken our descriptors away: that is the end of the build, and no fault of the machine. */
        u32 words[2] = {0, NOT_STARTED};
        tell(TO_SILO_EXIT, words, 2);
        return;
    }
    SYS(fcntl, ends[0], F_SETFL, O_NONBLOCK);
    s32 pid = fork_process();
    if (pid == 0)
        child(order, -1, ends[1], 0);
    SYS(close, ends[1]);
    if (pid < 0) {
        u32 words[2] = {0, NOT_STARTED};
        SYS(close, ends[0]);
        tell(TO_SILO_EXIT, words, 2);
        return;
    }
    command.pid = pid;
    command.pipe = ends[0];
    command.paused = command.ended = 0;
    watch(ADD, command.pipe, EVENT_IN, TAG_PIPE);
}

/* ---- commands as another user ---------------------------------------------------------------------------------- */

static void open_door(void)
{
    struct sudo_address address = {UNIX, SUDO_PLACE};
    door = (int)SYS(socket, UNIX, SEQUENCED | CLOSE_ON_EXEC | NO_WAITING, 0);
    s64 error = door < 0 ? door : SYS(bind, door, &address, sizeof address);
    if (error >= 0)
        error = SYS(fchmodat, AT_FDCWD, SUDO_PLACE, 0666);
    if (error >= 0)
        error = SYS(listen, door, SUDO_CALLERS);
    if (error < 0)
        stop_with(END_SETUP, "the guard cannot offer sudo", error);
    watch(ADD, door, EVENT_IN, TAG_DOOR);
}

static void take_caller(void)
{
    int i = 0;
    while (i < SUDO_CALLERS && callers[i].line)
        i++;
    if (i == SUDO_CALLERS) {
        /* Whoever comes now waits until a place is free. */
        watch(REMOVE, door, 0, TAG_DOOR);
        door_closed = 1;
        return;
    }
    int line = (int)SYS(accept4, door, 0, 0, CLOSE_ON_EXEC | NO_WAITING);
    if (line < 0)
        return;
    callers[i].line = line;
    callers[i].pid = 0;
    watch(ADD, line, EVENT_IN | EVENT_RDHUP, TAG_CALLER);
}

static void release_caller(int i)
{
    watch(REMOVE, callers[i].line, 0, TAG_CALLER);
    SYS(close, callers[i].line);
    callers[i].line = 0;
    if (door_closed) {
        door_closed = 0;
        watch(ADD, door, EVENT_IN, TAG_DOOR);
    }
}

static void answer_caller(s64 pid, s32 status)
{
    for (int i = 0; i < SUDO_CALLERS; i++)
        if (callers[i].pid == pid) {
            u32 answer[2] = {(status & 0x7f) ? 1 : 0, (u32)((status & 0x7f) ? status & 0x7f : status >> 8 & 0xff)};
            callers[i].pid = 0;
            if (callers[i].line == 0)
                return;
            SYS(write, callers[i].line, answer, sizeof answer);
            release_caller(i);
        }
}

static void run_for_caller(u32 *head, char **words, s32 *files)
{
    u64 none = 0;
    SYS(setsid, 0);
    SYS(fchdir, files[3]);
    /* Out of the way of 0 to 2 first, whatever numbers they came with. */
    for (int i = 0; i < 3; i++)
        files[i] = (s32)SYS(fcntl, files[i], F_DUPFD_CLOEXEC, 64);
    for (int i = 0; i < 3; i++)
        SYS(dup3, files[i], i, 0);
    SYS(close_range, 3, ~0u, 0);
    SYS(umask, 022);
    if (head[0] != 0)
        bound_capabilities(0);
    if (head[0] != 0 || head[1] != 0)
        become(head[0], head[1]);
    confine(head[0] == 0);
    belong_to_build();
    SYS(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, sizeof none);
    s64 error = execute(words, words + head[2] + 1);
    complain(2, "sudo: cannot start ", words[0], error);
    SYS(exit_group, NOT_STARTED);
}

/* What a caller asks for, into `words`: arguments, null, variables, null. */
static int read_request(s64 size, u32 *head, char **words)
{
    if (size < SUDO_HEADER + 1 || sudo_text[size - 1] != 0)
        return 0;
    memcpy(head, sudo_text, SUDO_HEADER);
    if (head[2] == 0 || head[2] > MAX_WORDS || head[3] > MAX_WORDS - head[2])
        return 0;
    char *p = (char *)sudo_text + SUDO_HEADER, *end = (char *)sudo_text + size;
    u32 slot = 0;
    for (u32 i = 0; i < head[2] + head[3]; i++) {
        if (p >= end)
            return 0;
        if (i == head[2])
            words[slot++] = 0;
        words[slot++] = p;
        p += length(p) + 1;
    }
    if (head[3] == 0)
        words[slot++] = 0;
    words[slot] = 0;
    return 1;
}

static void hear_caller(int line)
{
    static char *words[MAX_WORDS + 2];
    u32 head[4], count;
    struct passed_files passed;
    int i = 0;
    while (i < SUDO_CALLERS && callers[i].line != line)
        i++;
    if (i == SUDO_CALLERS)
        return;
    s64 n = sudo_receive(line, &passed, &count);
    if (n == -EAGAIN || n == -EINTR)
        return;
    if (callers[i].pid) {
        /* Gone, or talking out of turn: either way nobody waits for the command any more. */
        SYS(kill, -callers[i].pid, TERM);
        SYS(kill, -callers[i].pid, CONT);
    } else if (n > 0 && count == SUDO_FILES && read_request(n, head, words)) {
        s32 pid = terminating ? -1 : fork_process();
        if (pid == 0)
            run_for_caller(head, words, passed.files);
        if (pid > 0)
            callers[i].pid = pid;
        /* Asked for before everything was stopped. */
        if (pid > 0 && frozen)
            SYS(kill, pid, STOP);
    }
    for (u32 f = 0; f < count; f++)
        SYS(close, passed.files[f]);
    if (n <= 0 || !callers[i].pid)
        release_caller(i);
}

/* ---- shells for people ----------------------------------------------------------------------------------------- */

#include "shell.h"

/* ---- from the silo --------------------------------------------------------------------------------------------- */

static void renew(u64 lease)
{
    s64 times[4] = {0, 0, (s64)(lease / 1000000000), (s64)(lease % 1000000000)};
    guard.lease = lease;
    if (lease == 0)
        times[3] = 1; /* zero would mean: no timer */
    s64 error = SYS(timerfd_settime, guard.timer, ABSOLUTE, times, 0);
    if (error < 0)
        stop_with(END_SETUP, "the guard cannot set its timer", error);
}

static void check_lease(void)
{
    s64 now[2];
    SYS(clock_gettime, BOOTTIME, now);
    if ((u64)now[0] * 1000000000 + (u64)now[1] >= guard.lease)
        finish(END_LEASE);
}

static struct order *parse_order(u8 *at, u32 size)
{
    static struct order order;
    u32 numbers[3];
    if (size < sizeof numbers + 1 || at[size - 1] != 0)
        stop_with(END_PROTOCOL, "a command was cut short", 0);
    memcpy(numbers, at, sizeof numbers);
    order.flags = numbers[0];
    order.arguments = numbers[1];
    order.variables = numbers[2];
    if (order.arguments == 0 || order.arguments > MAX_WORDS || order.variables > MAX_WORDS - order.arguments)
        stop_with(END_PROTOCOL, "a command has too few or too many words", 0);
    char *p = (char *)at + sizeof numbers, *end = (char *)at + size;
    u32 slot = 0;
    for (u32 i = 0; i < 1 + order.arguments + order.variables; i++) {
        if (p >= end)
            stop_with(END_PROTOCOL, "a command was cut short", 0);
        if (i == 0)
            order.directory = p;
        else
            order.words[slot++] = p;
        if (i == order.arguments)
            order.words[slot++] = 0;
        p += length(p) + 1;
    }
    order.words[slot] = 0;
    return &order;
}

static void parse_shell(u8 *at, u32 size)
{
    u32 head[SHELL_HEAD / 4];
    if (size < SHELL_HEAD)
        stop_with(END_PROTOCOL, "a shell was cut short", 0);
    memcpy(head, at, SHELL_HEAD);
    open_shell(head, parse_order(at + SHELL_HEAD, size - SHELL_HEAD));
}

static void take_frames(void)
{
    u32 at = 0;
    while (in_length - at >= HEADER) {
        u32 head[2];
        memcpy(head, in + at, HEADER);
        if (head[0] > sizeof in - HEADER)
            stop_with(END_PROTOCOL, "a message is too long", 0);
        if (in_length - at - HEADER < head[0])
            break;
        u8 *payload = in + at + HEADER;
        if (head[1] == FROM_SILO_LEASE && head[0] == 8) {
            u64 lease;
            memcpy(&lease, payload, 8);
            renew(lease);
            if (frozen)
                freeze();
        } else if (head[1] == FROM_SILO_RUN) {
            start(parse_order(payload, head[0]));
        } else if (head[1] == FROM_SILO_TERM) {
            terminating = 1;
            signal_all(TERM);
            signal_all(CONT);
            reap();
        } else if (head[1] == FROM_SILO_FREEZE) {
            freeze();
        } else if (head[1] == FROM_SILO_THAW) {
            thaw();
        } else if (head[1] == FROM_SILO_SHELL) {
            parse_shell(payload, head[0]);
        } else if (head[1] > FROM_SILO_SHELL && head[1] <= FROM_SILO_SHELL_CLOSE) {
            order_shell(head[1], payload, head[0]);
        } else {
            stop_with(END_PROTOCOL, "a message is of an unknown kind", 0);
        }
        at += HEADER + head[0];
    }
    for (u32 i = at; i < in_length; i++)
        in[i - at] = in[i];
    in_length -= at;
}

static void listen(void)
{
    s64 n = SYS(read, SILO, in + in_length, sizeof in - in_length);
    if (n == -EAGAIN || n == -EINTR)
        return;
    if (n <= 0) {
        control_gone = 1;
        return;
    }
    in_length += (u32)n;
    take_frames();
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

static void prepare(char **arguments)
{
    u64 all = ~0ul, chld = 1ul << (CHLD - 1);
    /* First, so that nothing of the same user can ever trace us or read what we hold. */
    SYS(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    SYS(rt_sigprocmask, 2, &all, 0, sizeof all);
    for (int signal = 1; signal <= 64; signal++) {
        u64 by_default[4] = {0, 0, 0, 0};
        SYS(rt_sigaction, signal, by_default, 0, 8);
    }
    SYS(setsid, 0);
    SYS(chdir, "/");
    SYS(dup3, 2, LIFE, O_CLOEXEC);
    SYS(close_range, 4, LIFE - 1, 0);
    SYS(close_range, LIFE + 1, ~0u, 0);
    int nothing = (int)SYS(openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    if (nothing < 0)
        stop_with(END_SETUP, "the guard cannot open /dev/null", nothing);
    for (int fd = 0; fd < 3; fd++)
        SYS(dup3, nothing, fd, 0);
    SYS(close, nothing);
    SYS(fcntl, SILO, F_SETFD, 1 /* FD_CLOEXEC */);
    SYS(fcntl, SILO, F_SETFL, O_RDWR | O_NONBLOCK);
    SYS(umask, 022);

    guard.container = same(arguments[1], "container");
    guard.mapped = same(arguments[1], "mapped");
    guard.own_namespace = guard.container || guard.mapped || same(arguments[1], "namespace");
    guard.uid = arguments[2][0] == '-' ? NOBODY : (u32)number(arguments[2]);
    guard.gid = arguments[3][0] == '-' ? NOBODY : (u32)number(arguments[3]);
    if (!guard.own_namespace)
        SYS(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (!guard.container) {
        SYS(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        /* Root's own commands are to have what root has. */
        bound_capabilities(guard.mapped ? ROOT_CAPABILITIES : 0);
        keep_capabilities(guard.mapped ? ROOT_CAPABILITIES : CAPABILITIES);
    }

    guard.queue = (int)SYS(epoll_create1, O_CLOEXEC);
    guard.timer = (int)SYS(timerfd_create, BOOTTIME, O_CLOEXEC | O_NONBLOCK);
    guard.signals = (int)SYS(signalfd4, -1, &chld, sizeof chld, O_CLOEXEC | O_NONBLOCK);
    if (guard.queue < 0 || guard.timer < 0 || guard.signals < 0)
        stop_with(END_SETUP, "the guard cannot open its descriptors", 0);
    watch(ADD, SILO, EVENT_IN | EVENT_RDHUP, TAG_SILO);
    watch(ADD, guard.timer, EVENT_IN, TAG_TIMER);
    watch(ADD, guard.signals, EVENT_IN, TAG_SIGNAL);
    if (guard.mapped)
        open_door();
    renew(number(arguments[4]));
}

static void serve(void)
{
    tell(TO_SILO_HELLO, 0, 0);
    for (;;) {
        struct event events[16];
        s64 n = SYS(epoll_pwait, guard.queue, events, 16, -1, 0, 8);
        for (s64 i = 0; i < n; i++) {
            u32 what = events[i].events;
            int fd = (int)(events[i].data >> 8);
            switch (events[i].data & 0xff) {
            case TAG_SILO:
                if (what & (EVENT_HUP | EVENT_RDHUP | EVENT_ERR))
                    control_gone = 1;
                else if (what & EVENT_IN)
                    listen();
                if (what & EVENT_OUT)
                    flush();
                break;
            case TAG_TIMER:
                check_lease();
                break;
            case TAG_SIGNAL:
                while (SYS(read, guard.signals, scrap, 128) == 128)
                    ;
                reap();
                break;
            case TAG_PIPE:
                if (fd == command.pipe && !command.paused)
                    pump();
                break;
            case TAG_SEALED:
                drop(fd);
                break;
            case TAG_DOOR:
                take_caller();
                break;
            case TAG_CALLER:
                hear_caller(fd);
                break;
            case TAG_SHELL_OUTPUT:
            case TAG_SHELL_INPUT:
                hear_shell(fd, (events[i].data & 0xff) == TAG_SHELL_OUTPUT);
                break;
            }
            if (control_gone)
                finish(END_CLOSED);
        }
        if (command.paused && !out_length)
            pump();
        attend_shells();
    }
}

__attribute__((used)) void begin(u64 *stack)
{
    u64 count = stack[0];
    char **arguments = (char **)(stack + 1);
    int code = END_SETUP;
    if (count == 3 && same(arguments[1], "wipe"))
        code = wipe(arguments[2]);
    else if (count >= 4 && same(arguments[1], "enter"))
        code = enter(arguments + 2);
    else if (count >= 5 && same(arguments[1], "sudo"))
        code = sudo(arguments + 2, arguments + count + 1);
    else if (count >= 5)
        prepare(arguments), serve();
    else
        complain(2, "this program is started by the silo", "", 0);
    SYS(exit_group, code);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp, %ebp\nmov %rsp, %rdi\nand $-16, %rsp\ncall begin\nhlt\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x29, #0\nmov x30, #0\nmov x0, sp\nbl begin\nbrk #0\n");
#endif
