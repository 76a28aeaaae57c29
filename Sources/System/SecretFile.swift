// Files with secrets in them: who else may read them, and how they change without ever being half there.

import Glibc

extension PrivateFile {
    /// Whose a file is, and what others may do with it.
    public struct Access: Sendable {
        public let owner: UInt32
        public let group: UInt32
        /// As chmod(1) takes it.
        public let mode: UInt32
        public let isRegular: Bool

        public init(owner: UInt32, group: UInt32, mode: UInt32, isRegular: Bool = true) {
            self.owner = owner
            self.group = group
            self.mode = mode
            self.isRegular = isRegular
        }

        fileprivate init(_ descriptor: Int32) {
            var status = stat()
            unsafe fstat(descriptor, &status)
            self.init(
                owner: status.st_uid, group: status.st_gid, mode: status.st_mode & 0o7777,
                isRegular: status.st_mode & S_IFMT == S_IFREG)
        }

        /// Somebody may read or change it who should not. As with ssh(1), that is anybody but the owner.
        /// What root hands to another user is mounted into a container or put there by a service
        /// manager, with modes of their own: such a file must only be safe from changes.
        ///
        /// - Parameter user: who reads it.
        public func isOpenToOthers(user: UInt32 = geteuid()) -> Bool {
            guard isRegular else { return false }
            let isHandedOver = owner == 0 && user != 0
            return mode & (isHandedOver ? 0o022 : 0o077) != 0
        }
    }

    /// What is in a file, and who else may read it.
    public typealias Secret = (content: [UInt8], access: Access)

    /// The whole content, never a part of it. Any thread; blocks.
    ///
    /// - Parameter pipeMilliseconds: how long it waits for somebody who writes, where it is a pipe.
    public static func readSecret(
        _ path: String, bytesMax: Int, pipeMilliseconds: Int32 = 5000
    ) throws(Failure) -> Secret {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        let content = try read(
            descriptor, path, bytesMax: bytesMax, pipeMilliseconds: pipeMilliseconds)
        return (content, Access(descriptor))
    }

    /// The name is a symbolic link, wherever it leads.
    public static func isLink(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Makes a file for this user only (0600), whole or not at all, and never in the place of another:
    /// EEXIST. On disk when this returns. Any thread; blocks.
    public static func make(_ bytes: [UInt8], at path: String) throws(Failure) {
        let draft = "\(path).new-\(getpid())"
        defer { unsafe unlink(draft) }
        try write(bytes, draft: draft) { (_) throws(Failure) in }
        guard unsafe link(draft, path) == 0 else { throw Failure(path: path, code: errno) }
        try syncFolder(of: path)
    }

    /// Takes back a file that `make` has made. Any thread.
    public static func unmake(_ path: String) { unsafe unlink(path) }

    /// Changes the content of a file that is there; its owner and its mode stay. A crash leaves the old
    /// content or the new. On disk when this returns. Any thread; blocks.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(Failure) {
        let old = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard old >= 0 else { throw Failure(path: path, code: errno) }
        defer { close(old) }
        let access = Access(old)
        let draft = "\(path).new-\(getpid())"
        do throws(Failure) {
            try write(bytes, draft: draft) { (descriptor) throws(Failure) in
                guard
                    access.owner == geteuid() && access.group == getegid()
                        || fchown(descriptor, access.owner, access.group) == 0,
                    fchmod(descriptor, access.mode) == 0
                else { throw Failure(path: path, code: errno) }
            }
            guard unsafe rename(draft, path) == 0 else { throw Failure(path: path, code: errno) }
        } catch {
            unsafe unlink(draft)
            throw error
        }
        try syncFolder(of: path)
    }

    private static func write(
        _ bytes: [UInt8], draft: String, _ prepare: (Int32) throws(Failure) -> Void
    ) throws(Failure) {
        unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(path: draft, code: errno) }
        defer { close(descriptor) }
        let written = unsafe Glibc.write(descriptor, bytes, bytes.count)
        guard written == bytes.count else {
            throw Failure(path: draft, code: written < 0 ? errno : ENOSPC)
        }
        try prepare(descriptor)
        guard fsync(descriptor) == 0 else { throw Failure(path: draft, code: errno) }
    }

    /// Runs `body` while no other process does so for a file of the same folder: what one has read, no
    /// other changes before it has written. Waits for them. Leaves nothing behind.
    public static func alone<Answer, Fault: Error>(
        inFolderOf path: String, _ body: () throws(Fault) -> Answer
    ) throws(Fault) -> Answer {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // Where there is no folder, `body` says so.
        defer { if descriptor >= 0 { close(descriptor) } }
        if descriptor >= 0 { while flock(descriptor, LOCK_EX) != 0, errno == EINTR {} }
        return try body()
    }
}
