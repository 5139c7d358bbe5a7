/*
 * Shells for people, in a sandbox whose build has ended. Included by init.c where it stands, as it uses what is above it there.
 *
 * Any number up to SHELLS at a time, each with a number that the silo chooses and a terminal or a pair of pipes of its own. Neither side
 * may send more than the other has room for, so that none of them ever waits for a shell: of output `credit` bytes, which the silo adds to
 * as it passes them on; of input SHELL_WINDOW bytes, until they are told as taken.
 */
#ifndef BUILDS_SHELL_H
#define BUILDS_SHELL_H

enum { SHELLS = 8, SHELL_WINDOW = 16384, SHELL_HEAD = 16 };
/* What may still lie in a terminal when its shell has ended: more than any holds. */
enum { TERMINAL_MOST = 131072 };
enum { HANG_UP = 1, NOT_MADE = 2 };
enum { GET_WAITING = 0x541b, SET_SIZE = 0x5414, GET_PEER = 0x5441, SET_LOCK = 0x40045431 };

static struct shell {
    int open;          /* the silo takes it for there */
    s32 pid;           /* 0: it has ended */
    int output, input; /* -1: closed */
    int reads, writes; /* whether they are watched */
    int terminal;
    u32 credit, taken;
    u32 kind, code, left; /* once it has ended: `left` bytes at most are still its own */
    int input_ends;
    u32 waiting;
    u8 text[SHELL_WINDOW];
} shells[SHELLS];

static void close_output(struct shell *s)
{
    if (s->output < 0)
        return;
    if (s->reads)
        watch(REMOVE, s->output, 0, TAG_SHELL_OUTPUT);
    s->reads = 0;
    SYS(close, s->output);
    s->output = -1;
}

static void close_input(struct shell *s)
{
    if (s->input < 0)
        return;
    if (s->writes)
        watch(REMOVE, s->input, 0, TAG_SHELL_INPUT);
    s->writes = 0;
    SYS(close, s->input);
    s->input = -1;
}

/* Only into an empty buffer, as for a command. */
static void read_shell(struct shell *s)
{
    u32 size = CHUNK - 4, id = (u32)(s - shells);
    if (s->credit < size)
        size = s->credit;
    if (!s->pid && s->left < size)
        size = s->left;
    if (out_length || !s->credit)
        return;
    s64 n = size ? SYS(read, s->output, out + HEADER + 4, size) : 0;
    if (n == -EINTR || (n == -EAGAIN && s->pid))
        return;
    if (n <= 0) {
        /* A terminal that nobody has open any more says so by an error. */
        close_output(s);
        return;
    }
    u8 *at = put_header((u32)n + 4, TO_SILO_SHELL_OUTPUT);
    memcpy(at, &id, 4);
    out_length += (u32)n + 4;
    s->credit -= (u32)n;
    if (!s->pid)
        s->left -= (u32)n;
    flush();
}

static void write_shell(struct shell *s)
{
    u32 done = 0;
    while (s->input >= 0 && done < s->waiting) {
        s64 n = SYS(write, s->input, s->text + done, s->waiting - done);
        if (n == -EINTR)
            continue;
        if (n == -EAGAIN || n == 0)
            break;
        if (n < 0)
            close_input(s);
        else
            done += (u32)n;
    }
    /* What nobody can take any more is taken by us. */
    if (s->input < 0)
        done = s->waiting;
    for (u32 i = done; i < s->waiting; i++)
        s->text[i - done] = s->text[i];
    s->waiting -= done;
    s->taken += done;
    if (s->input_ends && !s->waiting)
        close_input(s);
}

/* Tells the silo what it has not heard yet, as far as the line takes it, and watches what is to be heard of next. */
static void attend_shells(void)
{
    for (u32 i = 0; i < SHELLS; i++) {
        struct shell *s = &shells[i];
        if (!s->open)
            continue;
        while (!s->pid && s->output >= 0 && s->credit && !out_length)
            read_shell(s);
        if (s->taken && !out_length) {
            u32 words[2] = {i, s->taken};
            s->taken = 0;
            tell(TO_SILO_SHELL_TAKEN, words, 2);
        }
        if (!s->pid && s->output < 0 && !out_length) {
            u32 words[3] = {i, s->kind, s->code};
            close_input(s);
            s->open = 0;
            tell(TO_SILO_SHELL_EXIT, words, 3);
            continue;
        }
        int reads = s->pid && s->output >= 0 && s->credit && !out_length, writes = s->input >= 0 && s->waiting;
        if (reads != s->reads)
            watch(reads ? ADD : REMOVE, s->output, EVENT_IN, TAG_SHELL_OUTPUT);
        if (writes != s->writes)
            watch(writes ? ADD : REMOVE, s->input, EVENT_OUT, TAG_SHELL_INPUT);
        s->reads = reads;
        s->writes = writes;
    }
}

static void hear_shell(int fd, int is_output)
{
    for (u32 i = 0; i < SHELLS; i++)
        if (shells[i].open && is_output && shells[i].output == fd)
            read_shell(&shells[i]);
        else if (shells[i].open && !is_output && shells[i].input == fd)
            write_shell(&shells[i]);
}

/* Whether a process that ended was a shell. */
static int end_shell(s64 pid, s32 status)
{
    for (u32 i = 0; i < SHELLS; i++) {
        struct shell *s = &shells[i];
        if (!s->open || s->pid != pid)
            continue;
        s->pid = 0;
        s->kind = (status & 0x7f) ? 1 : 0;
        s->code = (status & 0x7f) ? (u32)(status & 0x7f) : (u32)(status >> 8 & 0xff);
        s->left = TERMINAL_MOST;
        if (!s->terminal && s->output >= 0)
            SYS(ioctl, s->output, GET_WAITING, &s->left);
        return 1;
    }
    return 0;
}

/* A terminal of the build's own, in the sandbox's own directory of terminals: ours and theirs, or what is wrong. */
static s64 open_terminal(const u32 *size, int *theirs)
{
    int unlocked = 0;
    unsigned short cells[4] = {(unsigned short)size[0], (unsigned short)size[1], 0, 0};
    like_build(1);
    s64 fd = SYS(openat, AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0)
        fd = SYS(openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
    like_build(0);
    if (fd < 0)
        return fd;
    s64 error = SYS(ioctl, fd, SET_LOCK, &unlocked);
    if (error >= 0)
        error = SYS(ioctl, fd, SET_SIZE, cells);
    if (error >= 0)
        error = *theirs = (int)SYS(ioctl, fd, GET_PEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (error >= 0)
        return fd;
    SYS(close, fd);
    return error;
}

static s64 connect_shell(struct shell *s, const u32 *size, int *theirs)
{
    int in[2], out[2];
    if (s->terminal) {
        s64 fd = open_terminal(size, theirs);
        if (fd < 0)
            return fd;
        theirs[1] = theirs[0];
        s->output = (int)fd;
        s->input = (int)SYS(fcntl, fd, F_DUPFD_CLOEXEC, 0);
        return s->input < 0 ? s->input : 0;
    }
    s64 error = pipe_of_build(out);
    if (error < 0)
        return error;
    s->output = out[0];
    theirs[1] = out[1];
    error = pipe_of_build(in);
    if (error < 0)
        return error;
    s->input = in[1];
    theirs[0] = in[0];
    SYS(fcntl, s->input, F_SETFL, O_WRONLY | O_NONBLOCK);
    SYS(fcntl, s->output, F_SETFL, O_NONBLOCK);
    return 0;
}

/* head: its number; rows and columns of its terminal, or 0 for pipes; credit. */
static void open_shell(const u32 *head, struct order *order)
{
    int theirs[2] = {-1, -1};
    if (head[0] >= SHELLS || shells[head[0]].open)
        stop_with(END_PROTOCOL, "a shell was asked for in the place of another one", 0);
    struct shell *s = &shells[head[0]];
    memset(s, 0, sizeof *s);
    s->open = 1;
    s->output = s->input = -1;
    s->terminal = head[1] && head[2];
    s->credit = head[3];
    s64 error = connect_shell(s, head + 1, theirs);
    s32 pid = error < 0 ? (s32)error : fork_process();
    if (pid == 0)
        child(order, theirs[0], theirs[1], s->terminal);
    if (theirs[0] >= 0)
        SYS(close, theirs[0]);
    if (theirs[1] >= 0 && theirs[1] != theirs[0])
        SYS(close, theirs[1]);
    if (pid > 0) {
        s->pid = pid;
        return;
    }
    close_output(s);
    s->kind = NOT_MADE;
    s->code = (u32)-pid;
}

/* Whoever sat there is gone: closing a terminal says so to what runs in it. What comes out of pipes is read on, or a shell would not live to
   clear away what it made. */
static void hang_up(struct shell *s)
{
    s32 pid = s->pid;
    s->pid = 0;
    s->kind = 1;
    s->code = HANG_UP;
    close_input(s);
    if (!s->terminal && s->output >= 0) {
        watch(s->reads ? CHANGE : ADD, s->output, EVENT_IN, TAG_SEALED);
        s->reads = 0;
        s->output = -1;
    }
    close_output(s);
    if (pid) {
        SYS(kill, -pid, HANG_UP);
        SYS(kill, -pid, CONT);
    }
}

/* An order for a shell that is there; one that has just ended needs none any more. */
static void order_shell(u32 type, const u8 *payload, u32 size)
{
    u32 words[3] = {0, 0, 0};
    memcpy(words, payload, size < sizeof words ? size : sizeof words);
    if (size < 4 || words[0] >= SHELLS)
        stop_with(END_PROTOCOL, "there can be no such shell", 0);
    struct shell *s = &shells[words[0]];
    if (!s->open)
        return;
    if (type == FROM_SILO_SHELL_INPUT) {
        if (size - 4 > SHELL_WINDOW - s->waiting)
            stop_with(END_PROTOCOL, "a shell was sent more than it has room for", 0);
        memcpy(s->text + s->waiting, payload + 4, size - 4);
        s->waiting += size - 4;
        s->input_ends |= size == 4;
        write_shell(s);
    } else if (type == FROM_SILO_SHELL_CREDIT) {
        s->credit += words[1];
    } else if (type == FROM_SILO_SHELL_SIZE) {
        unsigned short cells[4] = {(unsigned short)words[1], (unsigned short)words[2], 0, 0};
        if (s->terminal && s->output >= 0)
            SYS(ioctl, s->output, SET_SIZE, cells);
    } else {
        hang_up(s);
    }
}

#endif
