/* A shim for LD_PRELOAD: moves clocks and lets system calls fail, while the server runs.
 *
 * $FAULTS_CONTROL names a file that holds a struct control. It is mapped, so whoever writes to the file is obeyed by the
 * next call, and finds there how often each function was called and has failed. shim.py has the same layout. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { SOCKET, EPOLL_CREATE1, EVENTFD, PTHREAD_CREATE, ACCEPT4, FUNCTIONS };

/* A call fails where first <= its number <= last, and every `every`th of them. Numbers begin with 1. */
struct fault { int64_t first, last, every, error, calls, failures; };
struct control { int64_t clock_seconds, boot_seconds; struct fault faults[FUNCTIONS]; };

static struct control none;
static struct control *control = &none;

static int (*real_socket)(int, int, int), (*real_epoll_create1)(int), (*real_eventfd)(unsigned, int);
static int (*real_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static int (*real_accept4)(int, struct sockaddr *, socklen_t *, int);
static int (*real_clock_gettime)(clockid_t, struct timespec *), (*real_gettimeofday)(struct timeval *, void *);

__attribute__((constructor)) static void find(void) {
  real_socket = dlsym(RTLD_NEXT, "socket");
  real_epoll_create1 = dlsym(RTLD_NEXT, "epoll_create1");
  real_eventfd = dlsym(RTLD_NEXT, "eventfd");
  real_pthread_create = dlsym(RTLD_NEXT, "pthread_create");
  real_accept4 = dlsym(RTLD_NEXT, "accept4");
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  real_gettimeofday = dlsym(RTLD_NEXT, "gettimeofday");
  const char *path = getenv("FAULTS_CONTROL");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) abort();
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) abort();
  close(fd);
  control = mapped;
}

/* The error that this call is to fail with; 0 where it is to go through. */
static int fails(int function) {
  struct fault *fault = &control->faults[function];
  int64_t number = __atomic_add_fetch(&fault->calls, 1, __ATOMIC_RELAXED);
  if (!fault->every || number < fault->first || number > fault->last) return 0;
  if ((number - fault->first) % fault->every) return 0;
  __atomic_add_fetch(&fault->failures, 1, __ATOMIC_RELAXED);
  return (int)fault->error;
}

#define FAIL(function) \
  do { \
    int error = fails(function); \
    if (error) { errno = error; return -1; } \
  } while (0)

int socket(int family, int type, int protocol) {
  FAIL(SOCKET);
  return real_socket(family, type, protocol);
}

int epoll_create1(int flags) {
  FAIL(EPOLL_CREATE1);
  return real_epoll_create1(flags);
}

int eventfd(unsigned value, int flags) {
  FAIL(EVENTFD);
  return real_eventfd(value, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  int error = fails(PTHREAD_CREATE);
  return error ? error : real_pthread_create(thread, attributes, body, argument);
}

/* A connection that waits goes on waiting: whoever calls again gets it. */
int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags) {
  FAIL(ACCEPT4);
  return real_accept4(listener, address, length, flags);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int code = real_clock_gettime(clock, now);
  if (!code && clock == CLOCK_REALTIME) now->tv_sec += control->clock_seconds;
  if (!code && clock == CLOCK_BOOTTIME) now->tv_sec += control->boot_seconds;
  return code;
}

int gettimeofday(struct timeval *now, void *zone) {
  int code = real_gettimeofday(now, zone);
  if (!code) now->tv_sec += control->clock_seconds;
  return code;
}
