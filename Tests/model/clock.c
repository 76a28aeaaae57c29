/* A shim for LD_PRELOAD: lets time pass for a process, and sets its wall clock, while it runs.
 *
 * $CLOCK_CONTROL names a file that holds a struct control. It is mapped, so whoever writes to the file is obeyed by the
 * next call. timepiece.py has the same layout. Where $CLOCK_IS_TRUE is set, the wall clock is never wrong. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
  int64_t passed_ms; /* so much more time has passed, by every clock */
  int64_t wall_ms;   /* the wall clock alone is so much ahead */
};

static struct control none;
static struct control *control = &none;
static int is_true;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void find(void) {
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("CLOCK_CONTROL");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) abort();
  void *mapped = mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) abort();
  close(fd);
  control = mapped;
  is_true = getenv("CLOCK_IS_TRUE") != NULL;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int code = real_clock_gettime(clock, now);
  int64_t ms = 0;
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE: ms = control->passed_ms + (is_true ? 0 : control->wall_ms); break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME: ms = control->passed_ms; break;
  }
  if (code || !ms) return code;
  now->tv_sec += ms / 1000;
  now->tv_nsec += ms % 1000 * 1000000;
  if (now->tv_nsec >= 1000000000) now->tv_sec++, now->tv_nsec -= 1000000000;
  if (now->tv_nsec < 0) now->tv_sec--, now->tv_nsec += 1000000000;
  return 0;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec time;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &time)) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
