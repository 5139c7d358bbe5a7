/*
 * `init wipe DIRECTORY`: removes a directory and all that a hostile build can leave in it: directories without
 * permissions, names that are not text, trees deeper than any path may be long. It never follows a link. Directories
 * inside directories are moved up and emptied in their turn, so that neither memory nor the length of a path matters.
 */
#ifndef BUILDS_WIPE_H
#define BUILDS_WIPE_H

#include "sys.h"

static char wipe_outer[65536], wipe_inner[65536];
static u64 wipe_moved;

static int is_dot(const char *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

/* Lets us into a directory. Of a link this must not change what it leads to, which may be anything of this machine. */
static void wipe_open_up(int from, const char *name)
{
    int fd = (int)SYS(openat, from, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    char self[48] = "/proc/self/fd/";
    decimal(self + 14, (u64)fd);
    SYS(fchmodat, AT_FDCWD, self, 0700);
    SYS(close, fd);
}

/* Moves a directory that lies in `from` up into `root`, under a name that is free there. */
static s64 wipe_lift(int from, const char *name, int root)
{
    s64 error = 0;
    wipe_open_up(from, name);
    for (int tries = 0; tries < 16; tries++) {
        char to[48] = ".wipe-";
        decimal(to + 6, ++wipe_moved);
        error = SYS(renameat2, from, name, root, to, 1 /* RENAME_NOREPLACE */);
        if (error == -EINVAL)
            error = SYS(renameat2, from, name, root, to, 0);
        if (error >= 0)
            return 0;
    }
    return error;
}

/* Empties the directory `name` in `root` of everything but directories, which move to `root`; then removes it. */
static s64 wipe_one(int root, const char *name)
{
    wipe_open_up(root, name);
    int fd = (int)SYS(openat, root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    s64 failed = 0;
    for (;;) {
        s64 n = SYS(getdents64, fd, wipe_inner, sizeof wipe_inner);
        if (n <= 0)
            break;
        for (s64 at = 0; at < n;) {
            struct directory_entry *e = (struct directory_entry *)(wipe_inner + at);
            at += e->size;
            if (is_dot(e->name))
                continue;
            if (SYS(unlinkat, fd, e->name, 0) >= 0)
                continue;
            s64 error = wipe_lift(fd, e->name, root);
            if (error < 0)
                failed = error;
        }
    }
    SYS(close, fd);
    s64 error = SYS(unlinkat, root, name, AT_REMOVEDIR);
    return error < 0 ? (failed ? failed : error) : 0;
}

static int wipe(const char *path)
{
    s64 error = 0;
    wipe_open_up(AT_FDCWD, path);
    int root = (int)SYS(openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (root == -ENOENT)
        return 0;
    if (root < 0) {
        complain(2, "cannot open for removal ", path, root);
        return 1;
    }
    for (;;) {
        u64 seen = 0, removed = 0;
        SYS(lseek, root, 0, 0);
        for (;;) {
            s64 n = SYS(getdents64, root, wipe_outer, sizeof wipe_outer);
            if (n <= 0)
                break;
            for (s64 at = 0; at < n;) {
                struct directory_entry *e = (struct directory_entry *)(wipe_outer + at);
                at += e->size;
                if (is_dot(e->name))
                    continue;
                seen++;
                s64 result = SYS(unlinkat, root, e->name, 0);
                if (result < 0 && result != -ENOENT)
                    result = wipe_one(root, e->name);
                if (result >= 0)
                    removed++;
                else
                    error = result;
            }
        }
        if (seen == 0)
            break;
        if (removed == 0) {
            complain(2, "cannot empty ", path, error);
            return 1;
        }
    }
    SYS(close, root);
    error = SYS(unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    if (error < 0 && error != -ENOENT) {
        complain(2, "cannot remove ", path, error);
        return 1;
    }
    return 0;
}

#endif
