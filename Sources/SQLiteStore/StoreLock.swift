// A server's hold on a store. It locks the file itself, whatever it is called, and PATH.lock, where it
// says how much of the registry's changes it has taken over, for commands that wait for that, and with
// which other files it is used.

import Glibc
import Tokens

/// The locks of a store, held until `release` or the end of the process, however it ends.
@safe final class StoreLock {
    /// Who wants the store, so that a refusal says what helps.
    enum Holder { case server, command }

    private let path: String
    private let store: String
    private let holder: Holder
    private var descriptor: Int32 = -1
    /// Of the store itself. SQLite's own locks are of another kind (fcntl) and do not meet this one;
    /// but to close a descriptor gives them back, so this one is the first to open and the last to close.
    private var storeDescriptor: Int32 = -1
    private let isNew: Bool
    let heartbeat: StoreHeartbeat
    private var announced: Int64?
    /// What the last server has said of itself.
    private var notes: ServerNotes

    /// Locks PATH.lock. One process at a time: SQLite itself would let two servers write in turns.
    init(_ store: String, for holder: Holder) throws(StoreFailure) {
        self.store = store
        self.holder = holder
        path = FileNames.lock(StoreLock.resolved(store))
        isNew = FileStatus.at(path) == nil
        notes = StoreLock.notes(path)
        heartbeat = StoreHeartbeat(lock: path)
        descriptor = try lockedFile()
        heartbeat.restore()
    }

    /// Where links lead: the same lock by whatever name a store is found.
    fileprivate static func resolved(_ store: String) -> String {
        guard let path = unsafe realpath(store, nil) else { return store }
        // realpath(3) has allocated it.
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// PATH.lock, locked, and with this server's version, or none: else commands could find what the server
    /// before has taken over.
    private func lockedFile() throws(StoreFailure) -> Int32 {
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            throw StoreFailure(
                "cannot write beside the store \(store) (errno \(errno)); choose another path or "
                    + "allow this user to write to its folder")
        }
        do throws(StoreFailure) {
            try lock(file)
            try write(version: announced, to: file)
        } catch {
            Glibc.close(file)
            throw error
        }
        if geteuid() == 0 { handOver(file) }
        return file
    }

    /// What root makes belongs to whom the store belongs: else its server could not start.
    private func handOver(_ file: Int32) {
        guard let status = FileStatus.at(store) else { return }
        fchown(file, status.owner, status.group)
    }

    /// Locks the file itself, so that neither a removed PATH.lock nor another name lets a second
    /// server in.
    func lockStore() throws(StoreFailure) {
        storeDescriptor = unsafe open(store, O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard storeDescriptor >= 0 else {
            throw StoreFailure("cannot open the store \(store) (errno \(errno))")
        }
        try lock(storeDescriptor)
        // It may have been replaced since it was opened.
        guard FileStatus.of(storeDescriptor)?.identity == FileStatus.at(store)?.identity else {
            throw StoreFailure("the store \(store) was replaced during the start; start again")
        }
    }

    private func lock(_ descriptor: Int32) throws(StoreFailure) {
        // A command that looks whether a server is running has the lock for a moment.
        for _ in 0..<5 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
            usleep(20_000)
        }
        switch holder {
        case .server:
            throw StoreFailure(
                "the store \(store) is in use by another server; stop that one first. To start one "
                    + "more server, choose another path with --store")
        case .command:
            throw StoreFailure(
                "the store \(store) is in use by a server, or by another command; stop the server, give "
                    + "this command again, and then start the server")
        }
    }

    func release() {
        for descriptor in [descriptor, storeDescriptor] where descriptor >= 0 {
            Glibc.close(descriptor)
        }
        (descriptor, storeDescriptor) = (-1, -1)
    }

    /// Releases it, and leaves no PATH.lock where there was none.
    func abandon() {
        if isNew, descriptor >= 0 { unsafe unlink(path) }
        release()
    }

    /// Makes PATH.lock again where somebody has removed it: commands would not hear of this server.
    func renew() throws(StoreFailure) {
        guard FileStatus.of(descriptor)?.identity != FileStatus.at(path)?.identity else { return }
        let file = try lockedFile()
        Glibc.close(descriptor)
        descriptor = file
    }

    /// From now on every request sees this version of the registry.
    func announce(registryVersion: Int64) throws(StoreFailure) {
        try write(version: registryVersion, to: descriptor)
        announced = registryVersion
    }

    /// Lets commands know with which files the store is used from now on.
    func note(_ notes: ServerNotes) throws(StoreFailure) {
        self.notes = notes
        try write(version: announced, to: descriptor)
    }

    private func write(version: Int64?, to file: Int32) throws(StoreFailure) {
        let text = Array(("\(version.map { "\($0)" } ?? "")\n" + notes.text).utf8)
        guard unsafe pwrite(file, text, text.count, 0) == text.count,
            ftruncate(file, text.count) == 0
        else {
            throw StoreFailure(
                "cannot write \(path) (errno \(errno)); make sure that the disk is well")
        }
    }
}

// MARK: For commands

extension StoreLock {
    private static let pauseMilliseconds = 20

    /// Waits until the server that uses the store, if there is one, has taken over a version of the
    /// registry.
    static func wait(
        registryVersion: Int64, store: String, milliseconds: Int
    ) throws(StoreFailure) -> RegistryTakeover {
        for _ in 0...(milliseconds / pauseMilliseconds) {
            guard try isHeld(store) else { return .notRunning }
            if let version = try announced(store), version >= registryVersion {
                return .hasTakenOver
            }
            usleep(UInt32(pauseMilliseconds) * 1000)
        }
        return .isLate()
    }

    /// When the server of a store is known to have been alive.
    static func heartbeat(of store: String) -> StoreHeartbeat {
        StoreHeartbeat(lock: FileNames.lock(resolved(store)))
    }

    /// Whether a server uses the store.
    static func isHeld(_ store: String) throws(StoreFailure) -> Bool {
        for path in [store, FileNames.lock(resolved(store))] {
            let descriptor = try reading(path)
            guard descriptor >= 0 else { continue }
            defer { Glibc.close(descriptor) }
            if flock(descriptor, LOCK_SH | LOCK_NB) != 0 { return true }
        }
        return false
    }

    private static func announced(_ store: String) throws(StoreFailure) -> Int64? {
        let descriptor = try reading(FileNames.lock(resolved(store)))
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return Int64(
            String(decoding: bytes.prefix(max(0, count)).prefix { $0 != 0x0A }, as: UTF8.self))
    }

    /// What the server of a store says of itself, or the last one has said.
    static func notes(ofServerOf store: String) -> ServerNotes {
        notes(FileNames.lock(resolved(store)))
    }

    /// None where they cannot be read: then nobody knows of any.
    private static func notes(_ path: String) -> ServerNotes {
        // Whatever stands there under this name: a command must not wait for it, or follow it.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else { return ServerNotes([:]) }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: ServerNotes.bytesMax)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return ServerNotes(text: String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
    }

    /// - Returns: a negative number where there is no such file.
    private static func reading(_ path: String) throws(StoreFailure) -> Int32 {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 || errno == ENOENT else {
            throw StoreFailure(
                "cannot read \(path) (errno \(errno)), so nobody knows whether a running server has "
                    + "taken it over")
        }
        return descriptor
    }
}
