/* System calls without a C library: what init.c and wipe.c stand on. */
#ifndef BUILDS_SYS_H
#define BUILDS_SYS_H

#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long u64;
typedef long s64;

static inline s64 sys6(s64 n, s64 a, s64 b, s64 c, s64 d, s64 e, s64 f)
{
#if defined(__x86_64__)
    register s64 r10 __asm__("r10") = d;
    register s64 r8 __asm__("r8") = e;
    register s64 r9 __asm__("r9") = f;
    s64 ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
#elif defined(__aarch64__)
    register s64 x8 __asm__("x8") = n;
    register s64 x0 __asm__("x0") = a;
    register s64 x1 __asm__("x1") = b;
    register s64 x2 __asm__("x2") = c;
    register s64 x3 __asm__("x3") = d;
    register s64 x4 __asm__("x4") = e;
    register s64 x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
#else
#error "no system calls for this processor"
#endif
}

#define SYS(n, ...) SYS_(n, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYS_(n, a, b, c, d, e, f, ...) \
    sys6(__NR_##n, (s64)(a), (s64)(b), (s64)(c), (s64)(d), (s64)(e), (s64)(f))

/* The compiler may call these by itself. */
void *memcpy(void *to, const void *from, u64 n)
{
    for (u64 i = 0; i < n; i++)
        ((u8 *)to)[i] = ((const u8 *)from)[i];
    return to;
}

void *memset(void *to, int value, u64 n)
{
    for (u64 i = 0; i < n; i++)
        ((u8 *)to)[i] = (u8)value;
    return to;
}

static u64 length(const char *s)
{
    u64 n = 0;
    while (s[n])
        n++;
    return n;
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static u64 number(const char *s)
{
    u64 n = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (u64)(*s - '0');
    return n;
}

/* Writes n in decimal, ends it with NUL, and returns where the NUL is. */
static char *decimal(char *to, u64 n)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    while (count)
        *to++ = digits[--count];
    *to = 0;
    return to;
}

static void complain(int fd, const char *what, const char *about, s64 error)
{
    char line[1024], *p = line;
    for (const char *s = "builds: "; *s;)
        *p++ = *s++;
    while (*what)
        *p++ = *what++;
    for (int i = 0; about[i] && i < 800; i++)
        *p++ = about[i];
    if (error < 0) {
        for (const char *s = ": error "; *s;)
            *p++ = *s++;
        p = decimal(p, (u64)-error);
    }
    *p++ = '\n';
    SYS(write, fd, line, p - line);
}

struct directory_entry {
    u64 inode;
    s64 offset;
    unsigned short size;
    u8 type;
    char name[];
};

#endif
