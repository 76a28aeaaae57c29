// The door from Swift to SQLite. Only the module SQLiteStore may import it.
#ifndef OBIE_TOKENS_CSQLITE_SHIM_H
#define OBIE_TOKENS_CSQLITE_SHIM_H

#include <sqlite3.h>

// sqlite3_config takes variable arguments, which Swift cannot pass. Memory statistics cost a lock at every allocation and
// nobody reads them. Takes effect only before the first database is opened.
static inline void obie_sqlite_disable_statistics(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

#endif
