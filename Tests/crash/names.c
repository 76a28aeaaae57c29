/* Part of the shim of unsynced.c: remembers which names were made, changed and removed since their folder was synced, so
 * that a test can undo that as a power cut may. FOLDER/names.undo has a line for each, written before it happens:
 *
 *     C path              made
 *     U path kept         removed; `kept` is another name of the file
 *     R path from inode kept   `from` became `path`; `kept` is what was there, or -
 *
 * power.py plays them backwards. Paths have no spaces here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM (2 * PATH_MAX)

static int (*real_open)(const char *, int, ...), (*real_open64)(const char *, int, ...), (*real_unlink)(const char *),
    (*real_rename)(const char *, const char *);

/* Other libraries may open files before a constructor of ours has run. */
static void find(void) {
  if (real_rename) return;
  real_open = dlsym(RTLD_NEXT, "open");
  real_open64 = dlsym(RTLD_NEXT, "open64");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rename = dlsym(RTLD_NEXT, "rename");
}

static int is_watched(const char *path) {
  const char *match = getenv("UNSYNCED_MATCH");
  return match && strstr(path, match) && !strstr(path, "-shm") && !strstr(path, ".lock") && !strstr(path, ".undo") &&
         !strstr(path, ".audit");
}

/* The whole path, and the folder's list, locked. -1: there is no such folder. */
static int list_of(const char *path, char *whole) {
  char folder[PATH_MAX], name[ROOM];
  const char *slash = strrchr(path, '/');
  snprintf(name, sizeof name, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
  if (!realpath(name, folder)) return -1;
  snprintf(whole, ROOM, "%s/%s", folder, slash ? slash + 1 : path);
  snprintf(name, sizeof name, "%s/names.undo", folder);
  int list = real_open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (list < 0 || flock(list, LOCK_EX)) abort();
  return list;
}

static void add(int list, const char *line) {
  if (write(list, line, strlen(line)) != (ssize_t)strlen(line)) abort();
  close(list);
}

/* Another name for the file, so that it can come back; "-" where there is none. */
static void keep(const char *path, char *kept) {
  static unsigned count;
  snprintf(kept, 2 * ROOM, "%s.kept.%d.%u", path, getpid(), __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));
  if (link(path, kept)) strcpy(kept, "-");
}

static void note_made(const char *path, int flags) {
  char whole[ROOM], line[2 * ROOM];
  if (!(flags & O_CREAT) || !is_watched(path) || !access(path, F_OK)) return;
  int list = list_of(path, whole);
  if (list < 0) return;
  snprintf(line, sizeof line, "C %s\n", whole);
  add(list, line);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  find();
  note_made(path, flags);
  return real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  find();
  note_made(path, flags);
  return real_open64(path, flags, mode);
}

int unlink(const char *path) {
  char whole[ROOM], kept[2 * ROOM], line[4 * ROOM];
  int list;
  find();
  if (is_watched(path) && !access(path, F_OK) && (list = list_of(path, whole)) >= 0) {
    keep(whole, kept);
    snprintf(line, sizeof line, "U %s %s\n", whole, kept);
    add(list, line);
  }
  return real_unlink(path);
}

int rename(const char *from, const char *to) {
  char whole[ROOM], source[PATH_MAX], kept[2 * ROOM], line[5 * ROOM];
  struct stat s;
  int list;
  find();
  if (is_watched(to) && !stat(from, &s) && realpath(from, source) && (list = list_of(to, whole)) >= 0) {
    keep(whole, kept);
    snprintf(line, sizeof line, "R %s %s %lu %s\n", whole, source, (unsigned long)s.st_ino, kept);
    add(list, line);
  }
  return real_rename(from, to);
}

/* What was synced: if it is a folder, all its names are on disk now. */
void names_synced(int fd) {
  char link[64], path[PATH_MAX], whole[ROOM], line[5 * ROOM], *kept;
  struct stat s;
  find();
  if (fstat(fd, &s) || !S_ISDIR(s.st_mode)) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 8);
  if (n < 0) return;
  strcpy(path + n, "/any");
  int list = list_of(path, whole);
  if (list < 0) return;
  FILE *lines = fdopen(list, "r");
  if (!lines) abort();
  while (fgets(line, sizeof line, lines))
    if ((kept = strstr(strrchr(line, ' '), ".kept.")) && *line != 'C') {
      kept = strrchr(line, ' ') + 1;
      kept[strcspn(kept, "\n")] = 0;
      real_unlink(kept);
    }
  if (ftruncate(list, 0)) abort();
  fclose(lines);
}
