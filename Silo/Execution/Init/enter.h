/*
 * `init enter NAME=VALUE... -- PROGRAM ARGUMENT...`: what a sandbox tool needs around it and cannot do itself, in this order:
 *
 *   cgroup=DIRECTORY   joins it; any number of times
 *   net=FILE           joins a network namespace
 *   uids=N             enters a user namespace in which the users and groups from 0 to 65535 are our subordinate ones, those from N on, as its
 *   gids=N             root; 65536 is who we were. Nobody else is anybody there
 *   mappers=DIRECTORY  where newuidmap and newgidmap are, which give us these users
 *   network=PROGRAM    in a network of its own that slirp4netns serves; it ends with us. Only with `uids`
 *   limit=WHAT:N       setrlimit, WHAT being the kernel's number, soft and hard, as far as we may; up to 8 times. Holds for all processes
 *                      together that `user` is for, where it is a number of processes, since namespaces count them
 *   base=N             the first of 65536 host users that will be the users 0 to 65535 inside
 *   at=DIRECTORY       there, for us alone, is what follows: whatever is there otherwise and whoever may not go where it really is
 *   space=FILE         at `place`: an ext4 file system, which is all the disk that the build has
 *   place=DIRECTORY    at `place`: a directory, where there is no such file
 *   owner=N            the host user that the build is: owns place/home
 *   tools=DIRECTORY    at `tools`
 *   first=N            the number of root in the layers that follow, on disk; 0 unless it was said
 *   layer=DIRECTORY    at `root`: the layers of a root file system, the topmost first, read-only and shown with the users of `base`, and
 *                      over them the changes, which go to place/upper
 *   overlay=OPTION     of the mount that makes one of the layers
 *   user=1             enters the user namespace of `base`, as its root
 *
 * The mounts are in a mount namespace of our own and so gone with the last process that is in it, however it ends.
 */
#ifndef BUILDS_ENTER_H
#define BUILDS_ENTER_H

#include "mounts.h"
#include "own.h"
#include "sys.h"

static int is_option(const char *argument, const char *name, const char **value)
{
    while (*name && *argument == *name)
        argument++, name++;
    *value = argument + 1;
    return *name == 0 && *argument == '=';
}

static void take_option(const char *argument)
{
    const char *value;
    char path[4096];
    if (is_option(argument, "cgroup", &value) && length(value) + 16 < sizeof path) {
        append(append(path, value), "/cgroup.procs");
        write_file(path, "0");
    } else if (is_option(argument, "limit", &value) && around.limit_count < MAX_LIMITS) {
        around.limits[around.limit_count++] = value;
    } else if (is_option(argument, "net", &value)) {
        int fd = (int)SYS(openat, AT_FDCWD, value, O_RDONLY | O_CLOEXEC, 0);
        s64 error = fd < 0 ? fd : SYS(setns, fd, OF_NETWORK);
        if (error < 0)
            enter_failed("cannot join the network of ", value, error);
        SYS(close, fd);
    } else if (is_option(argument, "first", &value) && length(value) < 12) {
        around.first = value;
    } else if (is_option(argument, "layer", &value) && around.layer_count < MAX_LAYERS) {
        around.firsts[around.layer_count] = around.first ? around.first : "0";
        around.layers[around.layer_count++] = value;
    } else if (is_option(argument, "base", &value)) {
        around.base = value;
    } else if (is_option(argument, "space", &value)) {
        around.space = value;
    } else if (is_option(argument, "place", &value)) {
        around.place = value;
    } else if (is_option(argument, "at", &value)) {
        around.at = value;
    } else if (is_option(argument, "tools", &value)) {
        around.tools = value;
    } else if (is_option(argument, "owner", &value)) {
        around.owner = value;
    } else if (is_option(argument, "overlay", &value)) {
        around.overlay = value;
    } else if (is_option(argument, "uids", &value)) {
        around.uids = value;
    } else if (is_option(argument, "gids", &value)) {
        around.gids = value;
    } else if (is_option(argument, "mappers", &value)) {
        around.mappers = value;
    } else if (is_option(argument, "network", &value)) {
        around.network = value;
    } else if (is_option(argument, "user", &value)) {
        around.enter_user = 1;
    } else {
        enter_failed("this is no part of a surrounding: ", argument, 0);
    }
}

static void set_limit(const char *what)
{
    u64 limits[2], known[2];
    const char *n = what;
    while (*n && *n != ':')
        n++;
    limits[0] = limits[1] = number(*n ? n + 1 : n);
    s64 error = SYS(prlimit64, 0, number(what), 0, known);
    /* A lower one that holds already is not ours to raise. */
    if (error >= 0 && known[1] < limits[1])
        limits[0] = limits[1] = known[1];
    if (error >= 0)
        error = SYS(prlimit64, 0, number(what), limits, 0);
    if (error < 0)
        enter_failed("cannot set limit ", what, error);
}

/* Returns only if the program cannot be started. */
static int enter(char **arguments)
{
    for (; *arguments && !same(*arguments, "--"); arguments++)
        take_option(*arguments);
    if (!*arguments || !arguments[1])
        enter_failed("there is no program to start", "", 0);
    if (around.uids)
        own_users();
    for (u32 i = 0; i < around.limit_count; i++)
        set_limit(around.limits[i]);
    if (around.at) {
        s64 error = SYS(unshare, NEW_MOUNTS);
        if (error >= 0)
            error = SYS(mount, "none", "/", 0, PRIVATE_BELOW, 0);
        if (error < 0)
            enter_failed("cannot make a mount namespace", "", error);
        /* The network was joined before. A network that anybody deletes vanishes from every mount namespace, also while the sandbox tool goes
         * through all that is mounted, which fails it. */
        while (SYS(umount2, "/run/netns", 2 /* MNT_DETACH */) >= 0)
            ;
        mount_all();
    }
    if (around.enter_user) {
        s64 error = around.base ? SYS(setns, user_namespace("0"), NEW_USERS) : -EINVAL;
        if (error >= 0)
            error = become_root();
        if (error < 0)
            enter_failed("cannot enter the user namespace of the build", "", error);
    }
    static char *environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0};
    s64 error = SYS(execve, arguments[1], arguments + 1, environment);
    complain(2, "cannot start ", arguments[1], error);
    return ENTER_FAILED;
}

#endif
