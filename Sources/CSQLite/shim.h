// The door from Swift to SQLite. Only the module SQLiteStore may import it.
#ifndef OBIE_TOKENS_CSQLITE_SHIM_H
#define OBIE_TOKENS_CSQLITE_SHIM_H

#include <sqlite3.h>

#endif
