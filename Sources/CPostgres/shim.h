// The door from Swift to libpq. Only the module PostgresStore may import it.
#ifndef OBIE_TOKENS_CPOSTGRES_SHIM_H
#define OBIE_TOKENS_CPOSTGRES_SHIM_H

#include <libpq-fe.h>

#endif
