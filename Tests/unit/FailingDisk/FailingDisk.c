// SQLite's own VFS, with three operations of some files replaced.
#include "FailingDisk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs *original, wrapper;
// Two kinds of file have methods of their own, which differ in how they lock.
static struct { const sqlite3_io_methods *original; sqlite3_io_methods wrapped; } methods[8];
static struct { sqlite3_file *file; char *path; long unsynced, most, writes; } opened[FILES_MAX];
static struct { char *path; enum failing_disk what; } failing[FILES_MAX];

static enum failing_disk failure_of(sqlite3_file *file) {
  enum failing_disk what = FAILING_DISK_NONE;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < FILES_MAX && opened[i].file; i++) {
    if (opened[i].file != file || !opened[i].path) continue;
    for (int j = 0; j < FILES_MAX && failing[j].path; j++)
      if (strcmp(failing[j].path, opened[i].path) == 0) what = failing[j].what;
  }
  pthread_mutex_unlock(&lock);
  return what;
}

static void count_written(sqlite3_file *file, long bytes, int is_synced) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < FILES_MAX && opened[i].file; i++) {
    if (opened[i].file != file) continue;
    if (!is_synced) opened[i].writes++;
    opened[i].unsynced = is_synced ? 0 : opened[i].unsynced + bytes;
    if (opened[i].unsynced > opened[i].most) opened[i].most = opened[i].unsynced;
  }
  pthread_mutex_unlock(&lock);
}

static const sqlite3_io_methods *original_methods(sqlite3_file *file) {
  for (int i = 0; i < 8; i++)
    if (file->pMethods == &methods[i].wrapped) return methods[i].original;
  abort();
}

static int sync_file(sqlite3_file *file, int flags) {
  int code = original_methods(file)->xSync(file, flags);
  count_written(file, 0, 1);
  return failure_of(file) == FAILING_DISK_SYNC ? SQLITE_IOERR_FSYNC : code;
}

static int read_file(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  if (failure_of(file) == FAILING_DISK_READ) return SQLITE_IOERR_READ;
  return original_methods(file)->xRead(file, bytes, count, offset);
}

static int write_file(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  if (failure_of(file) == FAILING_DISK_WRITE) return SQLITE_IOERR_WRITE;
  count_written(file, count, 0);
  return original_methods(file)->xWrite(file, bytes, count, offset);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  (void)vfs;
  int code = original->xOpen(original, name, file, flags, out);
  if (code != SQLITE_OK || !file->pMethods || !name) return code;
  pthread_mutex_lock(&lock);
  int i = 0;
  while (i < 8 && methods[i].original && methods[i].original != file->pMethods) i++;
  if (i == 8) abort();
  if (!methods[i].original) {
    methods[i].original = file->pMethods;
    methods[i].wrapped = *file->pMethods;
    methods[i].wrapped.xSync = sync_file;
    methods[i].wrapped.xRead = read_file;
    methods[i].wrapped.xWrite = write_file;
  }
  file->pMethods = &methods[i].wrapped;
  // The memory of a file that was closed comes again for another one.
  for (i = 0; i < FILES_MAX && opened[i].file && opened[i].file != file; i++) {}
  if (i == FILES_MAX) abort();
  free(opened[i].path);
  opened[i].file = file;
  opened[i].path = strdup(name);
  opened[i].unsynced = opened[i].most = opened[i].writes = 0;
  pthread_mutex_unlock(&lock);
  return code;
}

// Before anything else runs: a store keeps to the VFS that was there when its first file was opened.
__attribute__((constructor)) static void install(void) {
  // As the store does before its first connection: this is the first call that SQLite gets.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  original = sqlite3_vfs_find(NULL);
  wrapper = *original;
  wrapper.zName = "failing-disk";
  wrapper.pNext = NULL;
  wrapper.xOpen = open_file;
  if (sqlite3_vfs_register(&wrapper, 1) != SQLITE_OK) abort();
}

void failing_disk_set(const char *path, enum failing_disk what) {
  pthread_mutex_lock(&lock);
  int i = 0;
  while (i < FILES_MAX && failing[i].path && strcmp(failing[i].path, path) != 0) i++;
  if (i == FILES_MAX) abort();
  if (!failing[i].path) failing[i].path = strdup(path);
  failing[i].what = what;
  pthread_mutex_unlock(&lock);
}

long failing_disk_unsynced(const char *path) {
  long most = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < FILES_MAX && opened[i].file; i++) {
    if (!opened[i].path || strcmp(opened[i].path, path) != 0) continue;
    if (opened[i].most > most) most = opened[i].most;
    opened[i].most = 0;
  }
  pthread_mutex_unlock(&lock);
  return most;
}

long failing_disk_writes(const char *path) {
  long most = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < FILES_MAX && opened[i].file; i++) {
    if (!opened[i].path || strcmp(opened[i].path, path) != 0) continue;
    if (opened[i].writes > most) most = opened[i].writes;
    opened[i].writes = 0;
  }
  pthread_mutex_unlock(&lock);
  return most;
}
