// The door from Swift to what Swift does not import of the C library. Only the module System may
// import it.
#ifndef OBIE_TOKENS_CSYSTEM_SHIM_H
#define OBIE_TOKENS_CSYSTEM_SHIM_H

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <malloc.h>     // malloc_trim
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h> // getrandom
#include <sys/syscall.h>
#include <unistd.h>

// prctl(2) takes a variable number of arguments, which Swift does not import.
static inline int obie_forbid_core_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static inline int obie_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// The processors that the scheduler may put this process on (sched_getaffinity(2)); 1 where the kernel does not say. The
// system call itself: the C library declares its function only with extensions on, and those change other types too.
static inline int obie_allowed_processors(void) {
    unsigned long set[128];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(set), set);
    int count = 0;
    for (long word = 0; word < bytes / (long)sizeof(set[0]); word++) count += __builtin_popcountl(set[word]);
    return count > 0 ? count : 1;
}

// renameat2(2) with RENAME_NOREPLACE, which the C library declares only with extensions on; -100 is AT_FDCWD.
static inline int obie_rename_to_new(const char *path, const char *target) {
    return (int)syscall(SYS_renameat2, -100, path, -100, target, 1);
}

// Root becomes another user with that user's group and no others, and keeps only these of its capabilities (a mask of the
// first 32), as far as it has them. 0, or -1 with errno. The bit NO_SETUID_FIXUP first: without it the capabilities would
// go with the user, and access(2) would ignore them. Whoever may not set it keeps none.
static inline int obie_become(uid_t user, gid_t group, unsigned capabilities) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct kept[2] = {{0}};
    if (syscall(SYS_capget, &header, kept) != 0) return -1;
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) capabilities = 0;
    if (setgroups(0, NULL) != 0 || setgid(group) != 0 || setuid(user) != 0) return -1;
    kept[0].effective = kept[0].permitted = kept[0].permitted & capabilities;
    kept[1].effective = kept[1].permitted = kept[0].inheritable = kept[1].inheritable = 0;
    return (int)syscall(SYS_capset, &header, kept);
}

// accept4(2) and pipe2(2) by their own names: the C library declares them only with extensions on.
extern int obie_accept4(int listener, void *address, void *length, int flags) __asm__("accept4");
extern int obie_pipe2(int ends[2], int flags) __asm__("pipe2");

#endif
