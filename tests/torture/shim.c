/* What a machine does on a bad day, put in front of libc's functions: for tests, by LD_PRELOAD on Linux.
 *
 * The file that FORETYPE_FAULTS names is shared with whoever sets the faults (`shim.py` names its numbers), so
 * they come and go while processes run. Files count where their path begins with FORETYPE_FAULTY.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WRITES_LEFT, WRITES_SEEN, DELAY_US, WALL_NS, STEADY_NS, FORK, WATCH_ADD, WATCH_NEW, RENAME_LOST,
       RENAME, FSYNC, THREAD, LOCK, CREATE, READ, UNLINK, VIRTUAL, NUMBERS };

static volatile int64_t nothing[NUMBERS] = { -1 };
static volatile int64_t *fault = nothing;
static const char *faulty = "/nowhere/";

#define REAL(name) ({ static __typeof__(name) *found; if (!found) found = dlsym(RTLD_NEXT, #name); found; })
#define REFUSE(number) do { if (fault[number]) { errno = (int)fault[number]; return -1; } } while (0)

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FORETYPE_FAULTS"), *where = getenv("FORETYPE_FAULTY");
    int file = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *shared = mmap(NULL, sizeof(int64_t) * NUMBERS, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) fault = shared;
        REAL(close)(file);
    }
    if (where) faulty = strdup(where);
}

static int is_faulty(const char *path) { return path && strncmp(path, faulty, strlen(faulty)) == 0; }

static int is_faulty_file(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_faulty(path);
}

static void slow(void) {
    if (fault[DELAY_US]) {
        struct timespec pause = { fault[DELAY_US] / 1000000, fault[DELAY_US] % 1000000 * 1000 };
        REAL(nanosleep)(&pause, NULL);
    }
}

static int is_full(int file) {
    if (fault == nothing || !is_faulty_file(file)) return 0;
    slow();
    __sync_fetch_and_add(&fault[WRITES_SEEN], 1);
    if (fault[WRITES_LEFT] < 0) return 0;
    if (fault[WRITES_LEFT] > 0) { __sync_fetch_and_sub(&fault[WRITES_LEFT], 1); return 0; }
    errno = ENOSPC;
    return 1;
}

ssize_t write(int file, const void *data, size_t size) { return is_full(file) ? -1 : REAL(write)(file, data, size); }
ssize_t pwrite(int file, const void *data, size_t size, off_t at) { return is_full(file) ? -1 : REAL(pwrite)(file, data, size, at); }
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) { return is_full(file) ? -1 : REAL(pwrite64)(file, data, size, at); }

ssize_t read(int file, void *data, size_t size) {
    if (fault[READ] && is_faulty_file(file)) REFUSE(READ);
    return REAL(read)(file, data, size);
}

static int refused(const char *path, int flags) {
    if (!is_faulty(path)) return 0;
    slow();
    if (fault[CREATE] && flags & (O_CREAT | O_WRONLY | O_RDWR)) { errno = (int)fault[CREATE]; return 1; }
    return 0;
}

#define OPENS(name) int name(const char *path, int flags, ...) { va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more); \
    return refused(path, flags) ? -1 : REAL(name)(path, flags, mode); }
#define OPENS_AT(name) int name(int folder, const char *path, int flags, ...) { va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more); \
    return refused(path, flags) ? -1 : REAL(name)(folder, path, flags, mode); }
OPENS(open) OPENS(open64) OPENS_AT(openat) OPENS_AT(openat64)

/* An NFS server that did it and whose answer was lost says on the second try that there is no such file. */
static int renamed(int done) {
    if (done == 0 && fault[RENAME_LOST]) { errno = ENOENT; return -1; }
    return done;
}
int rename(const char *from, const char *to) {
    if (!is_faulty(to)) return REAL(rename)(from, to);
    slow();
    REFUSE(RENAME);
    return renamed(REAL(rename)(from, to));
}
int unlink(const char *path) {
    if (is_faulty(path)) REFUSE(UNLINK);
    return REAL(unlink)(path);
}
int fsync(int file) {
    if (fault != nothing && is_faulty_file(file)) { slow(); REFUSE(FSYNC); }
    return REAL(fsync)(file);
}
int fdatasync(int file) {
    if (fault != nothing && is_faulty_file(file)) { slow(); REFUSE(FSYNC); }
    return REAL(fdatasync)(file);
}
int flock(int file, int how) { REFUSE(LOCK); return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(file, how); }

/* vfork must not return twice through a function that has returned: where it may work, it is fork. */
pid_t fork(void) { REFUSE(FORK); return REAL(fork)(); }
pid_t vfork(void) { REFUSE(FORK); return REAL(fork)(); }
int inotify_add_watch(int file, const char *path, uint32_t mask) {
    REFUSE(WATCH_ADD);
    return ((int (*)(int, const char *, uint32_t))dlsym(RTLD_NEXT, "inotify_add_watch"))(file, path, mask);
}
int inotify_init1(int flags) { REFUSE(WATCH_NEW); return ((int (*)(int))dlsym(RTLD_NEXT, "inotify_init1"))(flags); }
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
    return fault[THREAD] ? (int)fault[THREAD] : REAL(pthread_create)(thread, how, run, with);
}

/* Clocks, moved by what is set; whoever waits for a moment looks again every few milliseconds. */
#define SLICE_NS 4000000LL

static int64_t moved(clockid_t clock) {
    switch (clock) {
    case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: return fault[WALL_NS];
    case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME: case CLOCK_MONOTONIC_RAW: return fault[STEADY_NS];
    default: return 0;
    }
}
static int64_t ns(const struct timespec *time) { return time->tv_sec * 1000000000LL + time->tv_nsec; }
static struct timespec as_time(int64_t nanoseconds) {
    struct timespec time = { nanoseconds / 1000000000LL, nanoseconds % 1000000000LL };
    return time;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = REAL(clock_gettime)(clock, now);
    if (!failed && moved(clock)) *now = as_time(ns(now) + moved(clock));
    return failed;
}
time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept) *kept = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
static int64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return ns(&now);
}

int epoll_wait(int file, struct epoll_event *events, int most, int timeout) {
    if (!fault[VIRTUAL] || timeout == 0) return REAL(epoll_wait)(file, events, most, timeout);
    int64_t until = now_ns(CLOCK_MONOTONIC) + timeout * 1000000LL;
    for (;;) {
        int found = REAL(epoll_wait)(file, events, most, SLICE_NS / 1000000);
        if (found || (timeout > 0 && now_ns(CLOCK_MONOTONIC) >= until)) return found;
    }
}
int poll(struct pollfd *files, nfds_t count, int timeout) {
    if (!fault[VIRTUAL] || timeout == 0) return REAL(poll)(files, count, timeout);
    int64_t until = now_ns(CLOCK_MONOTONIC) + timeout * 1000000LL;
    for (;;) {
        int found = REAL(poll)(files, count, SLICE_NS / 1000000);
        if (found || (timeout > 0 && now_ns(CLOCK_MONOTONIC) >= until)) return found;
    }
}
int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    for (;;) {
        int64_t left = ns(until) - now_ns(clock), real;
        struct timespec next;
        REAL(clock_gettime)(clock, &next);
        real = left > SLICE_NS && fault[VIRTUAL] ? SLICE_NS : left;
        next = as_time(ns(&next) + (real > 0 ? real : 0));
        if (REAL(sem_clockwait)(semaphore, clock, &next) == 0) return 0;
        if (errno != ETIMEDOUT || ns(until) <= now_ns(clock)) return -1;
    }
}
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left) {
    if (!moved(clock) && !fault[VIRTUAL]) return REAL(clock_nanosleep)(clock, flags, wanted, left);
    int64_t until = ns(wanted) + (flags & TIMER_ABSTIME ? 0 : now_ns(clock));
    for (;;) {
        int64_t rest = until - now_ns(clock);
        if (rest <= 0) return 0;
        struct timespec pause = as_time(rest > SLICE_NS ? SLICE_NS : rest);
        int failed = REAL(clock_nanosleep)(CLOCK_MONOTONIC, 0, &pause, left);
        if (failed) return failed;
    }
}
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock, const struct timespec *until) {
    struct timespec real = as_time(ns(until) - fault[STEADY_NS]);
    return REAL(pthread_cond_timedwait)(condition, lock, &real);
}
