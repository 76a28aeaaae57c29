// Counts the steps of SQLite's machine: a measure of work that is the same on every run.
#include "StepCount.h"

#include <sqlite3.h>

static int step(void *count) {
  ++*(long *)count;
  return 0;
}

void step_count_begin(struct sqlite3 *connection, long *count) {
  sqlite3_progress_handler(connection, 1, count ? step : 0, count);
}
