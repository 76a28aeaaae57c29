/* A shim for LD_PRELOAD: the memory of the kernel, apart from the disk. For each file whose path contains
 * $UNSYNCED_MATCH it keeps PATH.undo: every write since the last sync, with the bytes that stood there before. disk.py
 * finds out from it what a power cut would leave.
 *
 * Where $UNSYNCED_FAIL is the path of a file, and that file names the watched file, the next sync of it fails once with
 * EIO, as on a disk that has lost a write: Linux takes what was to be written for clean from then on, so it stays in
 * memory, no later sync writes it, and a power cut takes it. To drop the clean pages (POSIX_FADV_DONTNEED) makes the file
 * what PATH.disk is, where a test has put one there: what the disk has and memory has not. From a sync that failed on,
 * and where there is PATH.disk, all of PATH.undo is kept. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_MAX 4096

/* Behind it old_length bytes of before, and where it is a write `written` new ones. */
struct record { int64_t kind, offset, old_length, written, old_size; };
enum kind { WRITE = 1, TRUNCATE, SYNC, FAILED_SYNC };

static char keeps_all[FD_MAX]; /* by the descriptor of the undo file */
static int undo_of[FD_MAX]; /* the undo file's descriptor + 1; 0: not looked at yet; -1: not watched */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

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
      snprintf(name, sizeof name, "%s.disk", path);
      keeps_all[made] = access(name, F_OK) == 0;
      undo_of[fd] = made + 1;
    }
  }
  return undo_of[fd] > 0 ? undo_of[fd] - 1 : -1;
}

static void note(int log, const void *bytes, size_t length) {
  /* One write: a kill leaves a record whole or not begun. */
  if (real_write(log, bytes, length) != (ssize_t)length) abort();
}

static void remember(int fd, int log, enum kind kind, int64_t offset, int64_t written, const void *new) {
  struct stat s;
  if (fstat(fd, &s)) abort();
  int64_t old = s.st_size > offset ? s.st_size - offset : 0;
  if (old > written) old = written;
  int64_t made = new ? written : 0;
  char *bytes = malloc(sizeof(struct record) + (size_t)(old + made));
  struct record r = {kind, offset, old, written, s.st_size};
  memcpy(bytes, &r, sizeof r);
  if (old && pread(fd, bytes + sizeof r, (size_t)old, offset) != old) abort();
  if (new) memcpy(bytes + sizeof r + old, new, (size_t)made);
  note(log, bytes, sizeof r + (size_t)(old + made));
  free(bytes);
}

/* What is appended goes to the end, whoever else writes. */
ssize_t write(int fd, const void *p, size_t n) {
  if (!real_write) find();
  pthread_mutex_lock(&lock);
  int log = undo(fd);
  struct stat s;
  if (log >= 0 && (fcntl(fd, F_GETFL) & O_APPEND) && !fstat(fd, &s)) remember(fd, log, WRITE, s.st_size, (int64_t)n, p);
  ssize_t done = real_write(fd, p, n);
  pthread_mutex_unlock(&lock);
  return done;
}

static ssize_t watched_pwrite(int fd, const void *p, size_t n, off_t at) {
  pthread_mutex_lock(&lock);
  int log = undo(fd);
  if (log >= 0) remember(fd, log, WRITE, at, (int64_t)n, p);
  ssize_t done = real_pwrite(fd, p, n, at);
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return watched_pwrite(fd, p, n, at); }
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) { return watched_pwrite(fd, p, n, at); }

static int watched_truncate(int fd, off_t size) {
  pthread_mutex_lock(&lock);
  int log = undo(fd);
  struct stat s;
  if (log >= 0 && !fstat(fd, &s) && s.st_size > size) remember(fd, log, TRUNCATE, size, s.st_size - size, NULL);
  int done = real_ftruncate(fd, size);
  pthread_mutex_unlock(&lock);
  return done;
}
int ftruncate(int fd, off_t size) { return watched_truncate(fd, size); }
int ftruncate64(int fd, off_t size) { return watched_truncate(fd, size); }

/* Whether the test wants this sync to fail. Once. */
static int must_fail(int fd) {
  const char *wish = getenv("UNSYNCED_FAIL");
  char path[3000], link[64], wanted[3000];
  int file = wish ? open(wish, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  ssize_t n = read(file, wanted, sizeof wanted - 1);
  real_close(file);
  wanted[n > 0 ? n : 0] = 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink(link, path, sizeof path - 1);
  path[n > 0 ? n : 0] = 0;
  return strcmp(path, wanted) == 0 && unlink(wish) == 0;
}

static int watched_sync(int fd, int (*sync)(int)) {
  pthread_mutex_lock(&lock);
  int log = undo(fd), done;
  if (log >= 0 && must_fail(fd)) {
    struct record r = {FAILED_SYNC, 0, 0, 0, 0};
    keeps_all[log] = 1;
    note(log, &r, sizeof r);
    errno = EIO;
    done = -1;
  } else {
    done = sync(fd);
    struct record r = {SYNC, 0, 0, 0, 0};
    if (!done && log >= 0 && keeps_all[log]) note(log, &r, sizeof r);
    else if (!done && log >= 0 && real_ftruncate(log, 0)) abort();
  }
  pthread_mutex_unlock(&lock);
  return done;
}
int fsync(int fd) { return watched_sync(fd, real_fsync); }
int fdatasync(int fd) { return watched_sync(fd, real_fdatasync); }

/* Drops the clean pages: what is read from now on comes from the disk. */
static int watched_advise(int fd, off_t from, off_t length, int advice) {
  char path[3000], link[64], disk[3100], bytes[65536];
  pthread_mutex_lock(&lock);
  if (advice == POSIX_FADV_DONTNEED && undo(fd) >= 0) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    snprintf(disk, sizeof disk, "%s.disk", path);
    int source = open(disk, O_RDONLY | O_CLOEXEC), target = source < 0 ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    if (target >= 0) {
      off_t at = 0;
      while ((n = read(source, bytes, sizeof bytes)) > 0) {
        if (real_pwrite(target, bytes, (size_t)n, at) != n) abort();
        at += n;
      }
      if (real_ftruncate(target, at) || unlink(disk)) abort();
      real_close(target);
    }
    if (source >= 0) real_close(source);
  }
  pthread_mutex_unlock(&lock);
  (void)from;
  (void)length;
  return 0;
}
int posix_fadvise(int fd, off_t from, off_t length, int advice) { return watched_advise(fd, from, length, advice); }
int posix_fadvise64(int fd, off_t from, off_t length, int advice) { return watched_advise(fd, from, length, advice); }

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
