// Starts a program, without Foundation: its `Process` once in some runs reads beyond a page, and takes
// all tests with it. It stands alone because it takes pointers.

import Glibc

struct SpawnFailure: Error {
    let path: String
    let errno: Int32
}

enum Spawn {
    /// Starts the program with this process's environment, no signal blocked, and no descriptors but
    /// these.
    ///
    /// - Parameter input: nil for `/dev/null`.
    /// - Returns: its pid; whoever calls waits for it.
    static func start(
        _ path: String, _ arguments: [String], input: Int32? = nil, output: Int32, errors: Int32
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        // Each is a value of ours that the calls fill and read; freed below.
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)
        for descriptor in 3..<highestDescriptor() {
            unsafe posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        // Threads of the test runner block nearly all signals. A child would inherit that, and one that
        // cannot be terminated would be left behind.
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        // Freed when the program has its own copies.
        let words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawn(&pid, path, &actions, &attributes, words, environ)
        if code != 0 { throw SpawnFailure(path: path, errno: code) }
        return pid
    }

    /// More than tests ever have open. Closing one that is not open does no harm; beyond the limit it
    /// would.
    private static func highestDescriptor() -> Int32 {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 256
        }
        return Int32(min(limit.rlim_cur, 4096))
    }

    /// The status of a child that has ended; nil while it runs.
    static func reap(_ pid: pid_t) -> Int32? {
        var status: Int32 = 0
        return unsafe waitpid(pid, &status, WNOHANG) == pid ? status : nil
    }

    static func write(_ text: String, to descriptor: Int32) -> Bool {
        let bytes = Array(text.utf8)
        return unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    }

    /// The two ends of a pipe, for reading and for writing, which no other child gets.
    static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        guard unsafe Glibc.pipe(&ends) == 0 else {
            throw SpawnFailure(path: "pipe", errno: errno)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
