// What the operating system grants this process.

import CSystem
import Glibc

public enum Machine {
    public static var processID: Int32 { getpid() }

    /// What the machine, or the container, calls itself (`gethostname(2)`).
    public static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        // The last byte stays 0, which ends a name that was cut off.
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "unnamed" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The processors this process may use: the scheduler's affinity mask, cut to the CPU quota of
    /// its control group and of that group's parents. At least 1.
    public static var availableProcessors: Int {
        let affinity = Int(obie_allowed_processors())
        guard let quota = cgroupProcessors() else { return max(1, affinity) }
        return max(1, min(affinity, Int(quota.rounded(.up))))
    }

    /// The tightest `cpu.max` from this process's version 2 control group upwards.
    private static func cgroupProcessors() -> Double? {
        let lines = read("/proc/self/cgroup").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("0::") }) else { return nil }
        var group = String(line.dropFirst(3))
        var tightest: Double?
        while true {
            let limit = read("/sys/fs/cgroup\(group == "/" ? "" : group)/cpu.max")
            let words = limit.split { $0 == " " || $0 == "\n" }
            if words.count == 2, let quota = Double(words[0]), let period = Double(words[1]) {
                tightest = min(tightest ?? .infinity, quota / period)
            }
            guard let slash = group.lastIndex(of: "/"), group != "/" else { return tightest }
            group = slash == group.startIndex ? "/" : String(group[..<slash])
        }
    }

    /// The first 4 KiB of a small kernel file, or nothing.
    private static func read(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// How many descriptors this process may have open. Raises the soft limit to the hard one,
    /// which costs nothing until they are used. Call once, before there are many.
    public static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 1024
        }
        let soft = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            return Int(clamping: soft)
        }
        return Int(clamping: limit.rlim_max)
    }

    /// From now on no core of this process is written, and no other process of the user may look
    /// into it (`prctl(2)`, PR_SET_DUMPABLE).
    public static func forbidCoreDumps() {
        _ = obie_forbid_core_dumps()
    }

    /// Names this thread, for people who look at the process (`prctl(2)`, PR_SET_NAME).
    ///
    /// - Parameter name: at most 15 bytes; the rest is cut off.
    public static func nameThread(_ name: String) {
        _ = unsafe obie_name_thread(name)
    }

    /// Gives free heap pages back to the kernel (`malloc_trim(3)`). Takes milliseconds where much
    /// is free, so not for a loop that serves requests. Any thread.
    public static func releaseFreeMemory() {
        _ = malloc_trim(0)
    }

    /// The physical memory that this process takes now (`proc(5)`, statm), in bytes; 0 where /proc
    /// cannot be read.
    public static var residentBytes: Int {
        let pages = read("/proc/self/statm").split(separator: " ").dropFirst().first
        return (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Blocks.
    public static func sleep(milliseconds: UInt32) {
        usleep(milliseconds * 1000)
    }

    /// CPU time of this process, user and system, in seconds (`getrusage(2)`).
    public static var processorSeconds: Double {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(microseconds) / 1_000_000
    }

    /// The limit of open files that holds now.
    public static var descriptorLimit: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 0
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many files are open; nil where /proc cannot be read. Takes about 0.1 us for each of them.
    public static var openDescriptors: Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        // `.`, `..` and the folder itself.
        var count = -3
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }
}
