// What the system knows of a file, and whether this process may use it.

import Glibc
import System
import Tokens

/// A file, whatever its names are.
struct FileIdentity: Equatable {
    let device: UInt64
    let inode: UInt64
}

/// What stat(2) says.
struct FileStatus: Equatable {
    let identity: FileIdentity
    let bytes: Int
    let owner: UInt32
    let group: UInt32
    let mode: UInt32
    let names: UInt64
    /// When it was last written, in nanoseconds.
    let writtenAt: Int

    private init(_ status: stat) {
        identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        bytes = Int(status.st_size)
        (owner, group, mode) = (status.st_uid, status.st_gid, status.st_mode)
        names = UInt64(status.st_nlink)
        writtenAt = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
    }

    /// Of what a path leads to; nil where that is nothing, or cannot be seen.
    static func at(_ path: String) -> FileStatus? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return FileStatus(status)
    }

    static func of(_ descriptor: Int32) -> FileStatus? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        return FileStatus(status)
    }

    var isRegular: Bool { mode & S_IFMT == S_IFREG }
}

/// Whether files can be used, told before anything is opened: SQLite would tell less, and later.
enum FileRights {
    /// - Throws: `StoreFailure` that names the first file that this process may not read and write,
    ///   or the folder where it may not make files, with the owner.
    static func check(_ paths: [String]) throws(StoreFailure) {
        guard let first = paths.first else { return }
        for path in paths where unsafe access(path, F_OK) == 0 {
            try check(path, R_OK | W_OK, "read and write", "u+rw")
        }
        if let missing = PrivateFile.missingFolder(of: first) {
            throw StoreFailure("cannot make \(first): \(missing); make it, or correct the path")
        }
        let slash = first.lastIndex(of: "/")
        let folder = slash.map { $0 == first.startIndex ? "/" : String(first[..<$0]) } ?? "."
        try check(folder, R_OK | W_OK | X_OK, "make \(first) in", "u+rwx")
    }

    private static func check(
        _ path: String, _ rights: Int32, _ verb: String, _ mode: String
    ) throws(StoreFailure) {
        guard unsafe faccessat(AT_FDCWD, path, rights, AT_EACCESS) != 0 else { return }
        let cause = errno
        guard cause == EACCES || cause == EPERM, let status = FileStatus.at(path) else {
            let text = unsafe strerror(cause).map { unsafe String(cString: $0) } ?? ""
            throw StoreFailure("cannot \(verb) \(path): \(text) (errno \(cause))")
        }
        let user = geteuid()
        let permissions = String(status.mode & 0o7777, radix: 8)
        let fix =
            status.owner == user
            ? "run `chmod \(mode) \(path)`"
            : "run it as user \(status.owner) or as root; only where the server is to run as user "
                + "\(user), run `chown \(user) \(path)` as root"
        throw StoreFailure(
            "this process runs as user \(user) and may not \(verb) \(path), which belongs to user "
                + "\(status.owner) with mode \(permissions); \(fix)", .rights)
    }
}
