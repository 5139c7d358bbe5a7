/* What a command of a build loses before it starts: capabilities, and the system calls that would give it new ones. */
#ifndef BUILDS_CONFINE_H
#define BUILDS_CONFINE_H

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "sys.h"

#define NEW_USER_NAMESPACE 0x10000000
#define X32_BIT 0x40000000

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field)
#define JUMP(op, value, yes, no) BPF_JUMP(BPF_JMP | op | BPF_K, value, yes, no)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/*
 * One processor's part of the filter, 15 instructions. A new user namespace would show a full set of capabilities, and
 * keyrings are not divided by any namespace: neither is there. clone3 hides its flags in memory, so it is "not
 * implemented", and C libraries then use clone.
 */
#define FILTER(processor, clone, unshare, clone3, add_key, request_key, keyctl) \
    JUMP(BPF_JEQ, processor, 0, 14),                                            \
    LOAD(0),                                                                    \
    JUMP(BPF_JGE, X32_BIT, 9, 0),                                               \
    JUMP(BPF_JEQ, clone, 6, 0),                                                 \
    JUMP(BPF_JEQ, unshare, 5, 0),                                               \
    JUMP(BPF_JEQ, clone3, 6, 0),                                                \
    JUMP(BPF_JEQ, add_key, 5, 0),                                               \
    JUMP(BPF_JEQ, request_key, 4, 0),                                           \
    JUMP(BPF_JEQ, keyctl, 3, 0),                                                \
    RETURN(SECCOMP_RET_ALLOW),                                                  \
    LOAD(16),                                                                   \
    JUMP(BPF_JSET, NEW_USER_NAMESPACE, 1, 2),                                   \
    RETURN(SECCOMP_RET_ERRNO | ENOSYS),                                         \
    RETURN(SECCOMP_RET_ERRNO | EPERM),                                          \
    RETURN(SECCOMP_RET_ALLOW)

static struct sock_filter filter[] = {
    LOAD(4),
#if defined(__x86_64__)
    FILTER(AUDIT_ARCH_X86_64, 56, 272, 435, 248, 249, 250),
    FILTER(AUDIT_ARCH_I386, 120, 310, 435, 286, 287, 288),
#elif defined(__aarch64__)
    FILTER(AUDIT_ARCH_AARCH64, 220, 97, 435, 217, 218, 219),
    FILTER(AUDIT_ARCH_ARM, 120, 337, 435, 309, 310, 311),
#endif
    RETURN(SECCOMP_RET_ERRNO | ENOSYS),
};

static s64 filter_calls(void)
{
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* What programs could ever have. Dropping takes a capability itself, so this comes before anything else is given up. */
static void bound_capabilities(u32 bound)
{
    for (int i = 0; i < 64; i++)
        if (!(i < 32 && bound >> i & 1) && SYS(prctl, PR_CAPBSET_DROP, i, 0, 0, 0) == -EINVAL)
            break;
}

/* Keeps of the capabilities that we have those in `kept` (bits), and none that an exec would pass on by itself. */
static void keep_capabilities(u32 kept)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    SYS(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    memset(data, 0, sizeof data);
    SYS(capget, &header, data);
    data[0].permitted &= kept;
    data[0].effective = data[0].permitted;
    data[1].permitted = data[1].effective = 0;
    data[0].inheritable = data[1].inheritable = 0;
    SYS(capset, &header, data);
}

#endif
