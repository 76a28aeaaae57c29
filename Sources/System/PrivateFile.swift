// Small files: read whole, and on disk with their folder.

import CSystem
import Glibc

public enum PrivateFile {
    /// Why a file could not be read or made.
    public struct Failure: Error, CustomStringConvertible {
        public let path: String
        /// The raw `errno`.
        public let code: Int32
        /// What was asked for at the most, where there is more.
        var bytesMax = 0
        public var description: String {
            if isAbsent || code == ENOTDIR, let folder = PrivateFile.missingFolder(of: path) {
                return "\(path): \(folder)"
            }
            if code == ETIMEDOUT { return "\(path): it is a pipe, and nobody writes into it" }
            if isTooLong { return "\(path): it has more than \(bytesMax) bytes" }
            return "\(path): "
                + (unsafe strerror(code).map { unsafe String(cString: $0) } ?? "errno \(code)")
        }
        public var isAbsent: Bool { code == ENOENT }
        /// There is a file of that name already.
        public var isPresent: Bool { code == EEXIST }
        /// The process, or the machine, has no more open files.
        public var isShortage: Bool { code == EMFILE || code == ENFILE }
        /// A symbolic link stands where none is followed.
        public var isLink: Bool { code == ELOOP }
        /// The disk, or what this user may have of it, is full.
        public var isFullDisk: Bool { code == ENOSPC || code == EDQUOT }
        /// There is more in it than is to be read.
        public var isTooLong: Bool { code == EFBIG }
        /// The user may not.
        public var isForbidden: Bool { code == EACCES || code == EPERM }
    }

    /// Whether there is something of that name. Any thread.
    public static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Looks whether the folder that a file is in, or is to be made in, is there. Any thread.
    ///
    /// - Returns: nil where it is; else a clause that says what there is instead.
    public static func missingFolder(of path: String) -> String? {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else {
            return errno == ENOENT || errno == ENOTDIR ? "there is no folder \(folder)" : nil
        }
        return status.st_mode & S_IFMT == S_IFDIR ? nil : "\(folder) is a file and no folder"
    }

    /// A longer file is not read if nothing else is said, in bytes.
    public static let bytesMax = 64 * 1024

    /// The whole content, never a part of it. Any thread; blocks.
    ///
    /// - Parameter pipeMilliseconds: how long it waits for somebody who writes, where it is a pipe.
    /// - Throws: so too where nobody does (ETIMEDOUT), and where there are more bytes (EFBIG).
    public static func read(
        _ path: String, bytesMax: Int = bytesMax, pipeMilliseconds: Int32 = 5000
    ) throws(Failure) -> [UInt8] {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        return try read(descriptor, path, bytesMax: bytesMax, pipeMilliseconds: pipeMilliseconds)
    }

    /// As much of the content as `bytesMax` says, for whom a part is enough. Any thread; blocks.
    public static func readBeginning(
        of path: String, bytesMax: Int = bytesMax
    ) throws(Failure) -> [UInt8] {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        var content = [UInt8](repeating: 0, count: bytesMax)
        let count = unsafe Glibc.read(descriptor, &content, bytesMax)
        guard count >= 0 else { throw Failure(path: path, code: errno) }
        return Array(content.prefix(count))
    }

    /// To be read. Does not wait where it is a pipe that nobody writes into.
    static func opened(_ path: String) throws(Failure) -> Int32 {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        return descriptor
    }

    static func read(
        _ descriptor: Int32, _ path: String, bytesMax: Int, pipeMilliseconds: Int32
    ) throws(Failure) -> [UInt8] {
        var content: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 * 1024)
        var status = stat()
        let isPipe = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
        while true {
            var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe !isPipe || poll(&asked, 1, pipeMilliseconds) != 0 else {
                throw Failure(path: path, code: ETIMEDOUT)
            }
            let count = unsafe Glibc.read(descriptor, &block, block.count)
            guard count >= 0 else { throw Failure(path: path, code: errno) }
            if count == 0 { return content }
            guard count <= bytesMax - content.count else {
                throw Failure(path: path, code: EFBIG, bytesMax: bytesMax)
            }
            content += block.prefix(count)
        }
    }

    /// Gives a file another name, which nothing has. Any thread.
    ///
    /// - Throws: EEXIST, with the new name, where something has it.
    public static func move(_ path: String, to target: String) throws(Failure) {
        guard unsafe obie_rename_to_new(path, target) != 0 else { return }
        // Some file systems cannot do both in one step.
        guard errno == EINVAL || errno == ENOSYS else { throw Failure(path: target, code: errno) }
        guard !exists(target) else { throw Failure(path: target, code: EEXIST) }
        guard unsafe rename(path, target) == 0 else { throw Failure(path: target, code: errno) }
    }

    /// Returns when what was written to the file is on disk. Any thread; blocks.
    public static func sync(_ path: String) throws(Failure) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure(path: path, code: errno) }
    }

    /// The name of a file, new, changed or removed, is on disk only when its folder is. Any thread;
    /// blocks.
    public static func syncFolder(of path: String) throws(Failure) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: folder, code: errno) }
        defer { close(descriptor) }
        // EINVAL: a folder without a disk, such as /proc/self/fd.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw Failure(path: folder, code: errno)
        }
    }
}
