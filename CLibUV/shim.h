// The door from Swift to libuv. Only the module UV may import it.
#ifndef OBIE_TOKENS_CLIBUV_SHIM_H
#define OBIE_TOKENS_CLIBUV_SHIM_H

#include <uv.h>

#endif
