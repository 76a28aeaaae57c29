// How much SQLite does for a statement.
#ifndef STEP_COUNT_H
#define STEP_COUNT_H

struct sqlite3;

// From now on each step of SQLite's machine on this connection is counted. `count` must outlive the connection; NULL
// ends it.
void step_count_begin(struct sqlite3 *connection, long *count);

#endif
