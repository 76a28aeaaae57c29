// A file that only grows at its end, shared by processes that take turns: a log.

import Glibc

/// A file that is appended to, or only read. Used by one thread at a time; all calls block.
public final class AppendFile {
    public typealias Failure = PrivateFile.Failure

    public enum Access: Sendable {
        /// Made where it is absent, readable for its owner only (0600).
        case append
        /// The same, for a short text that is written over instead: see `overwrite`.
        case overwrite
        /// Must exist.
        case read
    }

    /// What has become of the file since it was opened.
    public enum Place: Equatable, Sendable {
        case atItsPath
        /// It has another name now, and there may be another file at the path.
        case moved
        /// It has no name any more: what is written to it, nobody can read.
        case removed
    }

    public let path: String
    // Closed in `deinit`, and with it goes the lock.
    private let descriptor: Int32

    /// Opens for writing what stands at the path itself: a symbolic link is not followed, since
    /// whoever made it may write less than we.
    ///
    /// - Parameter owner: a file whose owner gets the file, where it is made, and where we are root.
    /// - Throws: `Failure` with the raw `errno` of open(2); ELOOP for a symbolic link.
    public init(_ path: String, _ access: Access, ownedLike owner: String? = nil) throws(Failure) {
        self.path = path
        switch access {
        case .append: descriptor = try AppendFile.make(path, O_APPEND, owner)
        case .overwrite: descriptor = try AppendFile.make(path, 0, owner)
        case .read:
            descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        }
    }

    private static func make(
        _ path: String, _ flags: Int32, _ owner: String?
    ) throws(Failure) -> Int32 {
        // Blocking where it is a FIFO that nobody reads would be for ever.
        let flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | flags
        // Only what is made here may change its owner: another file may be a trap.
        var descriptor = unsafe open(path, flags | O_CREAT | O_EXCL, 0o600)
        if descriptor >= 0 {
            if let owner { give(descriptor, toOwnerOf: owner) }
            do throws(Failure) {
                try PrivateFile.syncFolder(of: path)
            } catch {
                close(descriptor)
                throw error
            }
        } else if errno == EEXIST {
            descriptor = unsafe open(path, flags | O_CREAT, 0o600)
        }
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        return descriptor
    }

    /// Where the owner cannot be told, the file stays ours.
    private static func give(_ descriptor: Int32, toOwnerOf path: String) {
        var status = stat()
        guard geteuid() == 0, unsafe stat(path, &status) == 0 else { return }
        fchown(descriptor, status.st_uid, status.st_gid)
    }

    deinit { close(descriptor) }

    private var failure: Failure { Failure(path: path, code: errno) }

    private static let lockPollMicroseconds: useconds_t = 2_000

    /// Takes the file for this process and this object; others that lock it wait (`flock(2)`).
    ///
    /// - Throws: EWOULDBLOCK where somebody else still has it after that time.
    public func lock(withinMilliseconds patience: Int) throws(Failure) {
        let deadline = Clock.monotonicMicroseconds() + patience * 1000
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let isWaiting = errno == EWOULDBLOCK || errno == EINTR
            guard isWaiting, Clock.monotonicMicroseconds() < deadline else { throw failure }
            usleep(AppendFile.lockPollMicroseconds)
        }
    }

    public func unlock() {
        flock(descriptor, LOCK_UN)
    }

    /// Looks whether the file still stands at its path.
    public func place() -> Place {
        var (ours, there) = (stat(), stat())
        guard unsafe fstat(descriptor, &ours) == 0 else { return .atItsPath }
        if ours.st_nlink == 0 { return .removed }
        guard unsafe lstat(path, &there) == 0 else {
            // What we may not look at may be there.
            return errno == ENOENT || errno == ENOTDIR ? .moved : .atItsPath
        }
        return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino ? .atItsPath : .moved
    }

    /// In bytes, by whomever they were written.
    public func size() throws(Failure) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure }
        return Int(status.st_size)
    }

    /// It has no places: what was read once does not come again, as from a pipe or a terminal.
    public var isStream: Bool {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return false }
        return [S_IFIFO, S_IFCHR, S_IFSOCK].contains(status.st_mode & S_IFMT)
    }

    /// What a stream brings next, at most `countMax` bytes; none at its end. Waits for as long as somebody
    /// may write.
    public func readNext(countMax: Int) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: countMax)
        while true {
            let count = unsafe Glibc.read(descriptor, &bytes, countMax)
            if count >= 0 { return Array(bytes.prefix(count)) }
            guard errno == EAGAIN || errno == EINTR else { throw failure }
            var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&asked, 1, -1)
        }
    }

    /// At most `countMax` bytes from `offset` on: fewer at the end of the file only.
    public func read(at offset: Int, countMax: Int) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: countMax)
        var filled = 0
        while filled < countMax {
            // The kernel writes within the rest of the array, which stays where it is meanwhile.
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                return unsafe pread(descriptor, rest.baseAddress, rest.count, offset + filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(countMax - filled)
        return bytes
    }

    /// Writes all of it at the end, with one system call where the disk takes it. After a failure
    /// a part may be there: `truncate` takes it back.
    public func append(_ bytes: [UInt8]) throws(Failure) {
        var written = 0
        while written < bytes.count {
            // The kernel reads the rest of the array, which stays where it is meanwhile.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return unsafe write(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure }
            written += count
        }
    }

    /// Replaces the whole content, with one system call where it is not shorter than before.
    public func overwrite(_ bytes: [UInt8]) throws(Failure) {
        guard unsafe pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else { throw failure }
        if try size() > bytes.count { try truncate(to: bytes.count) }
    }

    /// Writes bytes once more where they stand. After a sync that failed the kernel takes what it could
    /// not write for written, so that no later sync would write it (fsync(2), "BUGS").
    public func rewrite(_ bytes: [UInt8], at offset: Int) throws(Failure) {
        // The same file, whatever its name is by now, by a descriptor that does not append.
        let place = unsafe open("/proc/self/fd/\(descriptor)", O_WRONLY | O_CLOEXEC)
        guard place >= 0 else { throw failure }
        defer { close(place) }
        var written = 0
        while written < bytes.count {
            // The kernel reads the rest of the array, which stays where it is meanwhile.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return unsafe pwrite(place, rest.baseAddress, rest.count, offset + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure }
            written += count
        }
    }

    /// Cuts off what stands behind `size` bytes.
    public func truncate(to size: Int) throws(Failure) {
        guard ftruncate(descriptor, size) == 0 else { throw failure }
    }

    /// Returns when what was written is on disk.
    public func sync() throws(Failure) {
        guard fdatasync(descriptor) == 0 else { throw failure }
    }
}
