// What a file is, told from its first bytes. SQLite is asked later: by opening some files it changes
// them, or makes others beside them.

import Glibc
import Tokens

/// The head of a database file (sqlite.org/fileformat.html §1.3), or what is there instead.
enum FileHead: Equatable {
    case absent
    /// Has no bytes yet.
    case empty
    case database(applicationID: Int64, version: Int64)
    case noDatabase

    /// - Throws: `StoreFailure` where the file cannot be read.
    static func read(_ path: String) throws(StoreFailure) -> FileHead {
        // A FIFO would make it wait for its other end.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            let cause = errno
            if cause == ENOENT { return try absent(path) }
            try FileRights.check([path])
            throw StoreFailure("cannot read \(path) (errno \(cause))")
        }
        defer { close(file) }
        guard let status = FileStatus.of(file), status.isRegular else { return .noDatabase }
        if status.bytes == 0 { return .empty }
        let head = bytes(file, at: 0, count: 100)
        guard head.count == 100, head.starts(with: magic) else { return .noDatabase }
        let (id, version) = (number(head, at: applicationIDOffset), number(head, at: 60))
        if id == 0, version == 0, let logged = applicationID(inLog: "\(path)-wal") {
            return .database(applicationID: logged, version: 0)
        }
        return .database(applicationID: id, version: version)
    }

    private static func absent(_ path: String) throws(StoreFailure) -> FileHead {
        var target = [CChar](repeating: 0, count: 2)
        guard unsafe readlink(path, &target, target.count) < 0 else {
            throw StoreFailure(
                "\(path) is a symbolic link to a file that is not there; bring the file back, or "
                    + "remove the link", .configuration)
        }
        return .absent
    }

    private static let magic = Array("SQLite format 3\0".utf8)
    private static let applicationIDOffset = 68
    /// The first transaction of a file has its first page.
    private static let framesMax = 64

    /// A file that was never closed may have its head in the log only (§4.1).
    private static func applicationID(inLog path: String) -> Int64? {
        let log = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard log >= 0 else { return nil }
        defer { close(log) }
        let head = bytes(log, at: 0, count: 32)
        guard head.count == 32 else { return nil }
        let pageBytes = Int(number(head, at: 8))
        guard (512...65_536).contains(pageBytes) else { return nil }
        for frame in 0..<framesMax {
            let page = bytes(log, at: 32 + frame * (24 + pageBytes), count: 124)
            guard page.count == 124 else { return nil }
            if number(page, at: 0) == 1 { return number(page, at: 24 + applicationIDOffset) }
        }
        return nil
    }

    private static func bytes(_ file: Int32, at offset: Int, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = unsafe pread(file, &bytes, count, offset)
        return Array(bytes.prefix(max(0, read)))
    }

    private static func number(_ bytes: [UInt8], at offset: Int) -> Int64 {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int64($1) }
    }
}
