/* Preloaded into one silo: its clock is off and its disk is slow by what the file named in CHAOS_SHIM says, from one moment to the next.
   Unlike faketime it lets go on what waits by time: only the date is another one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct told { volatile int64_t clock_ns, disk_us; };
static const struct told *told;
static int (*real_clock)(clockid_t, struct timespec *);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void begin(void)
{
    real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_rename = dlsym(RTLD_NEXT, "rename");
    const char *name = getenv("CHAOS_SHIM");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *map = mmap(0, sizeof(struct told), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED)
        told = map;
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    int result = real_clock ? real_clock(id, at) : (int)syscall(SYS_clock_gettime, id, at);
    if (result == 0 && told && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        int64_t all = at->tv_sec * 1000000000LL + at->tv_nsec + told->clock_ns;
        at->tv_sec = all / 1000000000LL;
        at->tv_nsec = all % 1000000000LL;
    }
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

static void wait_for_disk(void)
{
    int64_t left = told ? told->disk_us : 0;
    struct timespec pause = { left / 1000000, left % 1000000 * 1000 };
    if (left > 0)
        nanosleep(&pause, 0);
}

int fsync(int file) { wait_for_disk(); return real_fsync(file); }
int fdatasync(int file) { wait_for_disk(); return real_fdatasync(file); }
int rename(const char *from, const char *to) { wait_for_disk(); return real_rename(from, to); }
