// A file that only grows at its end, shared by processes that take turns: a log.

import Glibc

/// A file that is appended to, or only read. Used by one thread at a time; all calls block.
public final class AppendFile {
    public typealias Failure = PrivateFile.Failure

    public enum Access: Sendable {
        /// Made where it is absent, readable for this user only (0600).
        case append
        /// Must exist.
        case read
    }

    public let path: String
    // Closed in `deinit`, and with it goes the lock.
    private let descriptor: Int32

    /// - Throws: `Failure` with the raw `errno` of open(2).
    public init(_ path: String, _ access: Access) throws(Failure) {
        self.path = path
        descriptor =
            switch access {
            case .append:
                // Blocking where it is a FIFO that nobody reads would be for ever.
                unsafe open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
            case .read: unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            }
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        if access == .append { try PrivateFile.syncFolder(of: path) }
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

    /// In bytes, by whomever they were written.
    public func size() throws(Failure) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure }
        return Int(status.st_size)
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

    /// Cuts off what stands behind `size` bytes.
    public func truncate(to size: Int) throws(Failure) {
        guard ftruncate(descriptor, size) == 0 else { throw failure }
    }

    /// Returns when what was written is on disk.
    public func sync() throws(Failure) {
        guard fdatasync(descriptor) == 0 else { throw failure }
    }
}
