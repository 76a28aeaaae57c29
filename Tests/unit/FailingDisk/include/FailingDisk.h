// A disk under SQLite that fails where it is told to. Takes the place of SQLite's default for the whole process, from its start.
#ifndef FAILING_DISK_H
#define FAILING_DISK_H

#include "StepCount.h"

enum failing_disk { FAILING_DISK_NONE, FAILING_DISK_READ, FAILING_DISK_WRITE, FAILING_DISK_SYNC };

// From now on one operation of the file fails. A sync that fails has taken place; the others have not.
void failing_disk_set(const char *path, enum failing_disk what);

// The most bytes that one connection has written to a file between two syncs, since this was asked last.
long failing_disk_unsynced(const char *path);

// How often a file was written to by the connection that did so most, since this was asked last.
long failing_disk_writes(const char *path);

#endif
