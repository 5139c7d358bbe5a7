/* The mounts around a sandbox: see enter.h, which reads what is wanted into `around`. */
#ifndef BUILDS_MOUNTS_H
#define BUILDS_MOUNTS_H

#include <linux/loop.h>
#include <linux/mount.h>

#include "sys.h"

enum { ENTER_FAILED = 83, MAX_LAYERS = 8, MAX_LIMITS = 8, MAPPED = 65536 };
enum { NEW_MOUNTS = 0x20000, NEW_USERS = 0x10000000, OF_NETWORK = 0x40000000 };
enum { PRIVATE_BELOW = 0x44000 /* MS_REC | MS_PRIVATE */ };

/* Of the user namespace that we are in; negative where that is refused. */
static s64 become_root(void)
{
    s64 error = SYS(setgroups, 0, 0);
    if (error >= 0)
        error = SYS(setresgid, 0, 0, 0);
    if (error >= 0)
        error = SYS(setresuid, 0, 0, 0);
    return error;
}

static struct {
    const char *base, *at, *space, *place, *owner, *tools, *overlay;
    const char *uids, *gids, *mappers, *network;
    const char *layers[MAX_LAYERS], *firsts[MAX_LAYERS], *first;
    const char *limits[MAX_LIMITS];
    u32 layer_count, limit_count;
    int layer_trees[MAX_LAYERS], place_tree, tools_tree;
    int enter_user;
} around;

static void enter_failed(const char *what, const char *about, s64 error)
{
    complain(2, what, about, error);
    SYS(exit_group, ENTER_FAILED);
}

static char *append(char *to, const char *text)
{
    while (*text)
        *to++ = *text++;
    *to = 0;
    return to;
}

static void write_file(const char *path, const char *text)
{
    int fd = (int)SYS(openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    s64 error = fd < 0 ? fd : SYS(write, fd, text, length(text));
    if (error < 0)
        enter_failed("cannot write ", path, error);
    SYS(close, fd);
}

/* A user namespace that maps 65536 users from `first` on to `base`, as a descriptor: that of a child which does nothing but be in it. */
static int user_namespace(const char *first)
{
    int ready[2], done[2];
    char path[64], map[64], byte = 0;
    if (SYS(pipe2, ready, O_CLOEXEC) < 0 || SYS(pipe2, done, O_CLOEXEC) < 0)
        enter_failed("cannot open a pipe", "", 0);
    s32 child = (s32)SYS(clone, 17 /* SIGCHLD */, 0, 0, 0, 0);
    if (child == 0) {
        SYS(close, done[1]);
        s64 error = SYS(unshare, NEW_USERS);
        if (error < 0)
            enter_failed("cannot make a user namespace", "", error);
        SYS(write, ready[1], &byte, 1);
        SYS(read, done[0], &byte, 1);
        SYS(exit_group, 0);
    }
    SYS(close, ready[1]);
    if (child < 0 || SYS(read, ready[0], &byte, 1) != 1)
        enter_failed("there is no user namespace", "", child);
    char *end = append(append(map, first), " ");
    end = append(end, around.base);
    end = append(end, " ");
    decimal(end, MAPPED);
    static const char *const files[] = {"/uid_map", "/gid_map"};
    for (int i = 0; i < 2; i++) {
        append(decimal(append(path, "/proc/"), (u64)child), files[i]);
        write_file(path, map);
    }
    append(decimal(append(path, "/proc/"), (u64)child), "/ns/user");
    int fd = (int)SYS(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        enter_failed("cannot open ", path, fd);
    SYS(close, done[1]);
    SYS(close, done[0]);
    SYS(close, ready[0]);
    SYS(wait4, child, 0, 0, 0);
    return fd;
}

/* A loop device that lives as long as the mount on it. Others look for a free one at the same time. */
static void attach_space(char *device)
{
    struct loop_config config;
    int file = (int)SYS(openat, AT_FDCWD, around.space, O_RDWR | O_CLOEXEC, 0);
    int control = (int)SYS(openat, AT_FDCWD, "/dev/loop-control", O_RDWR | O_CLOEXEC, 0);
    if (file < 0 || control < 0)
        enter_failed("cannot open a loop device for ", around.space, file < 0 ? file : control);
    memset(&config, 0, sizeof config);
    config.fd = (u32)file;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    s64 error = 0;
    for (int tries = 0; tries < 64; tries++) {
        s64 n = SYS(ioctl, control, LOOP_CTL_GET_FREE, 0);
        if (n < 0)
            enter_failed("there is no free loop device for ", around.space, n);
        decimal(append(device, "/dev/loop"), (u64)n);
        int fd = (int)SYS(openat, AT_FDCWD, device, O_RDWR | O_CLOEXEC, 0);
        error = fd < 0 ? fd : SYS(ioctl, fd, LOOP_CONFIGURE, &config);
        /* The descriptor stays open until the exec, and so the device until it is mounted. */
        if (error >= 0)
            return;
        SYS(close, fd);
    }
    enter_failed("cannot use a loop device for ", around.space, error);
}

/* A copy of a part of the tree that needs no place in it yet. */
static int tree_of(const char *directory)
{
    int fd = (int)SYS(open_tree, AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        enter_failed("cannot open ", directory, fd);
    return fd;
}

static void put_tree(int fd, const char *name)
{
    s64 error = SYS(move_mount, fd, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH);
    if (error < 0)
        enter_failed("cannot mount at ", name, error);
}

/* Whatever is below `at` otherwise is still needed until here: the layers, and what the place is made of. */
static void open_trees(void)
{
    for (u32 i = 0; i < around.layer_count; i++) {
        struct mount_attr attributes = {MOUNT_ATTR_RDONLY, 0, 0, 0};
        if (around.base && !same(around.base, around.firsts[i])) {
            attributes.attr_set |= MOUNT_ATTR_IDMAP;
            attributes.userns_fd = (u64)user_namespace(around.firsts[i]);
        }
        around.layer_trees[i] = tree_of(around.layers[i]);
        s64 error = SYS(mount_setattr, around.layer_trees[i], "", AT_EMPTY_PATH, &attributes, sizeof attributes);
        if (error < 0)
            enter_failed("cannot show with the users of the build ", around.layers[i], error);
    }
    if (around.place)
        around.place_tree = tree_of(around.place);
    if (around.tools)
        around.tools_tree = tree_of(around.tools);
}

static void make_directory(const char *name, const char *owner)
{
    s64 error = SYS(mkdirat, AT_FDCWD, name, 0755);
    if (error >= 0 || error == -EEXIST)
        error = owner ? SYS(fchownat, AT_FDCWD, name, number(owner), number(owner), 0) : 0;
    if (error < 0)
        enter_failed("cannot make ", name, error);
}

static void mount_layers(void)
{
    static char options[1024];
    char *end = append(options, "lowerdir=");
    make_directory("place/upper", around.base);
    make_directory("place/work", 0);
    for (u32 i = 0; i < around.layer_count; i++)
        end = decimal(append(end, i ? ":/proc/self/fd/" : "/proc/self/fd/"), (u64)around.layer_trees[i]);
    end = append(end, ",upperdir=place/upper,workdir=place/work");
    if (around.overlay && length(around.overlay) < 64)
        append(append(end, ","), around.overlay);
    s64 error = SYS(mount, "overlay", "root", "overlay", 4 /* MS_NODEV */, options);
    if (error < 0)
        enter_failed("cannot mount an overlay of ", around.layers[0], error);
}

static void mount_all(void)
{
    char device[64];
    open_trees();
    if (around.space)
        attach_space(device);
    s64 error = SYS(mount, "builds", around.at, "tmpfs", 6 /* MS_NOSUID | MS_NODEV */, "mode=0755,size=64k");
    if (error >= 0)
        error = SYS(chdir, around.at);
    if (error < 0)
        enter_failed("cannot use ", around.at, error);
    make_directory("place", 0);
    make_directory("root", 0);
    make_directory("tools", 0);
    if (around.place)
        put_tree(around.place_tree, "place");
    if (around.tools)
        put_tree(around.tools_tree, "tools");
    /* The disk is thrown away afterwards: nothing of it need ever reach the real one, and nobody need wait for it as who writes a file anew does
     * otherwise (ext4(5), auto_da_alloc), also for what a neighbour writes. */
    error = around.space ? SYS(mount, device, "place", "ext4", 0x404 /* MS_NODEV | MS_NOATIME */, "nobarrier,noauto_da_alloc") : 0;
    if (error < 0)
        enter_failed("cannot mount ", around.space, error);
    make_directory("place/home", around.owner);
    if (around.layer_count)
        mount_layers();
    SYS(chdir, "/");
}

#endif
