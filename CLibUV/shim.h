// The door from Swift to libuv. Only the module UV may import it.
#ifndef OBIE_TOKENS_CLIBUV_SHIM_H
#define OBIE_TOKENS_CLIBUV_SHIM_H

#include <fcntl.h>
#include <malloc.h>     // malloc_trim
#include <sys/prctl.h>
#include <sys/random.h> // getrandom
#include <uv.h>

// prctl(2) takes a variable number of arguments, which Swift does not import.
static inline int obie_forbid_core_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static inline int obie_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
// fcntl(2) too.
static inline int obie_set_close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }
static inline int obie_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

#endif
