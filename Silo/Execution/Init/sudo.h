/*
 * sudo where no program can gain rights by itself (no_new_privs): the guard, root of the build's own user namespace, starts the
 * command in the caller's place. Caller and guard meet at a socket that only this sandbox has. What becomes of whom:
 *
 *   init sudo UID GID PROGRAM ARGUMENT...   runs it as that user of the sandbox, with our descriptors 0 to 2, our directory and our
 *                                           environment, and ends as it ends; when we are gone, it gets TERM
 *
 * One message: uid, gid, number of arguments, number of variables (u32 each), then both, each ended by NUL; with it the descriptors
 * and the directory. The answer: how it ended (0 exit, 1 signal) and the code.
 */
#ifndef BUILDS_SUDO_H
#define BUILDS_SUDO_H

#include "sys.h"

#define SUDO_PLACE "/run/builds-sudo"
enum { SUDO_FILES = 4, SUDO_HEADER = 16, SUDO_MOST = 196608, SUDO_CALLERS = 32, SUDO_FAILED = 1 };
enum { UNIX = 1, SEQUENCED = 5, PASS_FILES = 1, SOCKET_LEVEL = 1, CLOSE_ON_EXEC = 02000000, NO_WAITING = 04000 };

struct message {
    void *name;
    u64 name_size;
    struct {
        void *base;
        u64 size;
    } *parts;
    u64 part_count;
    void *control;
    u64 control_size;
    s32 flags;
};

struct passed_files {
    u64 size;
    s32 level, type;
    s32 files[SUDO_FILES];
};

struct sudo_address {
    unsigned short family;
    char path[108];
};

static u8 sudo_text[SUDO_MOST];

/* One message; `count` says how many descriptors came with it, all of which are ours to close. */
static s64 sudo_receive(int line, struct passed_files *passed, u32 *count)
{
    struct {
        void *base;
        u64 size;
    } part = {sudo_text, sizeof sudo_text};
    struct message message = {0, 0, (void *)&part, 1, passed, sizeof *passed, 0};
    memset(passed, 0, sizeof *passed);
    s64 n = SYS(recvmsg, line, &message, 0x40000000 /* MSG_CMSG_CLOEXEC */);
    *count = n >= 0 && message.control_size >= 16 && passed->level == SOCKET_LEVEL && passed->type == PASS_FILES ? (u32)(passed->size - 16) / 4 : 0;
    if (*count > SUDO_FILES)
        *count = SUDO_FILES;
    return n;
}

static u64 sudo_add(u64 at, const char *word)
{
    u64 n = length(word) + 1;
    if (at + n > sizeof sudo_text) {
        complain(2, "sudo: the command and its environment are longer than 192 KiB; to mend it: sudo env -i ...", "", 0);
        SYS(exit_group, SUDO_FAILED);
    }
    memcpy(sudo_text + at, word, n);
    return at + n;
}

static int sudo(char **arguments, char **environment)
{
    u32 head[4] = {(u32)number(arguments[0]), (u32)number(arguments[1]), 0, 0}, answer[2];
    u64 at = SUDO_HEADER;
    struct sudo_address address = {UNIX, SUDO_PLACE};
    for (char **p = arguments + 2; *p; p++, head[2]++)
        at = sudo_add(at, *p);
    for (char **p = environment; *p; p++, head[3]++)
        at = sudo_add(at, *p);
    memcpy(sudo_text, head, sizeof head);

    int line = (int)SYS(socket, UNIX, SEQUENCED | CLOSE_ON_EXEC, 0);
    s64 error = line < 0 ? line : SYS(connect, line, &address, sizeof address);
    int here = (int)SYS(openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (here < 0)
        here = (int)SYS(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    struct {
        void *base;
        u64 size;
    } part = {sudo_text, at};
    struct passed_files passed = {sizeof passed, SOCKET_LEVEL, PASS_FILES, {0, 1, 2, here}};
    struct message message = {0, 0, (void *)&part, 1, &passed, sizeof passed, 0};
    if (error >= 0)
        error = SYS(sendmsg, line, &message, 0);
    if (error >= 0)
        error = SYS(read, line, answer, sizeof answer);
    if (error != sizeof answer) {
        complain(2, "sudo: there is no answer from ", SUDO_PLACE, error);
        return SUDO_FAILED;
    }
    return answer[0] ? 128 + (int)answer[1] : (int)answer[1];
}

#endif
