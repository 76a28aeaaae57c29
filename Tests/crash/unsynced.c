/* A shim for LD_PRELOAD: remembers what was written but not yet synced, so that a test can throw it away as a power cut
 * would. For each file whose path contains $UNSYNCED_MATCH it keeps PATH.undo: before a write, the bytes that stood
 * there; after a sync, nothing. power.py plays these files backwards once the process has been killed. names.c does the
 * same for the names of files. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_MAX 4096

struct record { int64_t offset, old_length, written, old_size; }; /* and old_length bytes behind it */

static int undo_of[FD_MAX]; /* the undo file's descriptor + 1; 0: not looked at yet; -1: not watched */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void names_synced(int fd); /* in names.c */

static ssize_t (*real_write)(int, const void *, size_t), (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t), (*real_close)(int);

__attribute__((constructor)) static void find(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_close = dlsym(RTLD_NEXT, "close");
}

/* The undo file of a watched descriptor, or -1. SQLite's -shm file is memory and not watched. */
static int undo(int fd) {
  if (fd < 0 || fd >= FD_MAX) return -1;
  if (undo_of[fd] == 0) {
    char link[64], path[3000], name[3100];
    const char *match = getenv("UNSYNCED_MATCH");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return -1;
    path[n] = 0;
    undo_of[fd] = -1;
    if (match && strstr(path, match) && !strstr(path, "-shm") && !strstr(path, ".lock") && !strstr(path, ".undo")) {
      snprintf(name, sizeof name, "%s.undo", path);
      int made = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      if (made < 0 || made >= FD_MAX) abort();
      undo_of[made] = -1;
      undo_of[fd] = made + 1;
    }
  }
  return undo_of[fd] > 0 ? undo_of[fd] - 1 : -1;
}

static void remember(int fd, int log, int64_t offset, int64_t written) {
  struct stat s;
  if (fstat(fd, &s)) abort();
  int64_t old = s.st_size > offset ? s.st_size - offset : 0;
  if (old > written) old = written;
  char *bytes = malloc(sizeof(struct record) + (size_t)old);
  struct record r = {offset, old, written, s.st_size};
  memcpy(bytes, &r, sizeof r);
  if (old && pread(fd, bytes + sizeof r, (size_t)old, offset) != old) abort();
  /* One write: a kill leaves a record whole or not begun. */
  if (real_write(log, bytes, sizeof r + (size_t)old) != (ssize_t)(sizeof r + (size_t)old)) abort();
  free(bytes);
}

static ssize_t watched_pwrite(int fd, const void *p, size_t n, off_t at) {
  pthread_mutex_lock(&lock);
  int log = undo(fd);
  if (log >= 0) remember(fd, log, at, (int64_t)n);
  ssize_t done = real_pwrite(fd, p, n, at);
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return watched_pwrite(fd, p, n, at); }
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) { return watched_pwrite(fd, p, n, at); }

/* At the end, or where the descriptor stands. */
ssize_t write(int fd, const void *p, size_t n) {
  if (!real_write) find();
  pthread_mutex_lock(&lock);
  int log = undo(fd);
  if (log >= 0) {
    int flags = fcntl(fd, F_GETFL);
    remember(fd, log, lseek(fd, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR), (int64_t)n);
  }
  ssize_t done = real_write(fd, p, n);
  pthread_mutex_unlock(&lock);
  return done;
}

static int watched_truncate(int fd, off_t size) {
  pthread_mutex_lock(&lock);
  int log = undo(fd);
  struct stat s;
  if (log >= 0 && !fstat(fd, &s) && s.st_size > size) remember(fd, log, size, s.st_size - size);
  int done = real_ftruncate(fd, size);
  pthread_mutex_unlock(&lock);
  return done;
}
int ftruncate(int fd, off_t size) { return watched_truncate(fd, size); }
int ftruncate64(int fd, off_t size) { return watched_truncate(fd, size); }

static int watched_sync(int fd, int (*sync)(int)) {
  pthread_mutex_lock(&lock);
  int log = undo(fd), done = sync(fd);
  if (!done && log >= 0 && real_ftruncate(log, 0)) abort();
  pthread_mutex_unlock(&lock);
  if (!done) names_synced(fd);
  return done;
}
int fsync(int fd) { return watched_sync(fd, real_fsync); }
int fdatasync(int fd) { return watched_sync(fd, real_fdatasync); }

int close(int fd) {
  pthread_mutex_lock(&lock);
  if (fd >= 0 && fd < FD_MAX && undo_of[fd] > 0) {
    int log = undo_of[fd] - 1;
    undo_of[log] = 0;
    real_close(log);
  }
  if (fd >= 0 && fd < FD_MAX) undo_of[fd] = 0;
  pthread_mutex_unlock(&lock);
  return real_close(fd);
}
