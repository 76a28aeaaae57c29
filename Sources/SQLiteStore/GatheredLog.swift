// A VFS of SQLite (sqlite.org/vfs.html) that gathers what is written to the log, and writes it at once
// where it is to be synced. SQLite writes each page of a transaction with two calls of the system, of
// which neither begins where a page of memory does.
//
// Only for a connection with synchronous=FULL: there each commit syncs the log before it shows others
// what it has written, and before a sync nothing is left unwritten.

import CSQLite
import Glibc

enum GatheredLog {
    /// 29 pages: where there is more, it is written in parts. SQLite writes less than 128 KB at once; of
    /// more it takes the remainder first, and of a multiple it says that the disk is full.
    fileprivate static let roomBytes = 120_000

    /// The name to open a database by. All its files but the log are as by SQLite's default VFS.
    static let vfsName = "gathered-log"

    // Made once and never freed, since SQLite points to it; written before SQLite sees it, then only read.
    fileprivate nonisolated(unsafe) static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        unsafe methods.initialize(to: LogFile.methods)
        return unsafe methods
    }()

    // SQLite's default when this was registered; those are never freed.
    fileprivate nonisolated(unsafe) static let system: UnsafeMutablePointer<sqlite3_vfs> = {
        guard let system = unsafe sqlite3_vfs_find(nil) else {
            preconditionFailure("SQLite comes with a VFS for this system")
        }
        return unsafe system
    }()

    /// Has to be asked for before a database is opened by the name.
    static let isRegistered: Bool = {
        // Never freed: SQLite keeps it.
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        unsafe vfs.initialize(to: system.pointee)
        let name = unsafe vfsName.withCString { unsafe strdup($0) }
        unsafe vfs.pointee.zName = UnsafePointer(name)
        unsafe vfs.pointee.pNext = nil
        unsafe vfs.pointee.szOsFile += Int32(MemoryLayout<LogFile>.stride)
        unsafe vfs.pointee.xOpen = { _, path, file, flags, outFlags in
            unsafe open(path, file, flags, outFlags)
        }
        return unsafe sqlite3_vfs_register(vfs, 0) == SQLITE_OK
    }()

    /// A transaction was undone: what is gathered of it is nobody's. Written later, it could stand where another
    /// connection has committed meanwhile.
    static func forget(_ handle: OpaquePointer) {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let code = unsafe sqlite3_file_control(
            handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file)
        guard code == SQLITE_OK, let file = unsafe file,
            unsafe file.pointee.pMethods == UnsafePointer(methods)
        else { return }
        unsafe LogFile.at(file).pointee.count = 0
    }

    /// - Parameter file: as much memory as the VFS has said that a file needs.
    private static func open(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let file = unsafe file, let xOpen = unsafe system.pointee.xOpen else {
            return SQLITE_CANTOPEN
        }
        guard flags & SQLITE_OPEN_WAL != 0 else {
            return unsafe xOpen(system, path, file, flags, outFlags)
        }
        let log = unsafe LogFile.begin(at: file)
        let code = unsafe xOpen(system, path, log.pointee.real, flags, outFlags)
        // Without methods SQLite does not close it.
        if code == SQLITE_OK { unsafe log.pointee.base.pMethods = UnsafePointer(methods) }
        return code
    }
}

/// A log that is open, at the place of SQLite's file object: it begins as one, and the real file stands
/// behind it. One thread at a time, as its connection.
@unsafe private struct LogFile {
    var base: sqlite3_file
    let real: UnsafeMutablePointer<sqlite3_file>
    /// Allocated with the first write, and freed when the log is closed.
    var room: UnsafeMutableRawPointer?
    /// What is gathered belongs there, and has so many bytes.
    var start: Int64 = 0
    var count = 0

    static func begin(
        at file: UnsafeMutablePointer<sqlite3_file>
    ) -> UnsafeMutablePointer<LogFile> {
        let raw = UnsafeMutableRawPointer(file)
        let real = unsafe (raw + MemoryLayout<LogFile>.stride)
            .assumingMemoryBound(to: sqlite3_file.self)
        let log = unsafe raw.bindMemory(to: LogFile.self, capacity: 1)
        unsafe log.initialize(to: LogFile(base: sqlite3_file(pMethods: nil), real: real))
        return unsafe log
    }

    /// What SQLite hands back is what `begin` has made.
    static func at(
        _ file: UnsafeMutablePointer<sqlite3_file>?
    ) -> UnsafeMutablePointer<LogFile> {
        guard let file = unsafe file else { preconditionFailure("SQLite names the file") }
        return unsafe UnsafeMutableRawPointer(file).assumingMemoryBound(to: LogFile.self)
    }

    var realMethods: sqlite3_io_methods {
        guard let methods = unsafe real.pointee.pMethods else {
            preconditionFailure("an open file has methods")
        }
        return unsafe methods.pointee
    }

    /// Writes what is gathered. Where that fails it is gone, as what SQLite has written itself may be: the
    /// transaction fails.
    mutating func flush() -> Int32 {
        guard unsafe count > 0 else { return SQLITE_OK }
        let (room, bytes) = unsafe (room, Int32(count))
        unsafe count = 0
        return unsafe realMethods.xWrite(real, room, bytes, start)
    }

    mutating func write(_ bytes: UnsafeRawPointer?, _ size: Int, _ offset: Int64) -> Int32 {
        let isNext = unsafe offset == start + Int64(count)
        if unsafe !isNext || count + size > GatheredLog.roomBytes {
            let code = unsafe flush()
            guard code == SQLITE_OK else { return code }
        }
        guard let bytes = unsafe bytes, size <= GatheredLog.roomBytes else {
            return unsafe realMethods.xWrite(real, bytes, Int32(size), offset)
        }
        if unsafe count == 0 { unsafe start = offset }
        let room = unsafe self.room ?? .allocate(byteCount: GatheredLog.roomBytes, alignment: 16)
        unsafe self.room = room
        unsafe (room + count).copyMemory(from: bytes, byteCount: size)
        unsafe count += size
        return SQLITE_OK
    }

    /// What was committed was synced: nothing that is still gathered is wanted.
    mutating func close() -> Int32 {
        unsafe room?.deallocate()
        unsafe (room, count) = (nil, 0)
        return unsafe realMethods.xClose(real)
    }
}

extension LogFile {
    /// Whatever looks at the file or syncs it finds what is gathered written.
    private static func flushed(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ operation: (UnsafeMutablePointer<sqlite3_file>, sqlite3_io_methods) -> Int32
    ) -> Int32 {
        let log = unsafe at(file)
        let code = unsafe log.pointee.flush()
        guard code == SQLITE_OK else { return code }
        return unsafe operation(log.pointee.real, log.pointee.realMethods)
    }

    /// What has nothing to do with what is gathered.
    private static func passed(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ operation: (UnsafeMutablePointer<sqlite3_file>, sqlite3_io_methods) -> Int32
    ) -> Int32 {
        let log = unsafe at(file)
        return unsafe operation(log.pointee.real, log.pointee.realMethods)
    }

    /// Version 1: a log has no shared memory of its own, and is not mapped.
    static var methods: sqlite3_io_methods {
        var methods = sqlite3_io_methods()
        methods.iVersion = 1
        unsafe methods.xClose = { unsafe LogFile.at($0).pointee.close() }
        unsafe methods.xWrite = { file, bytes, size, offset in
            unsafe LogFile.at(file).pointee.write(bytes, Int(size), offset)
        }
        unsafe methods.xRead = { file, bytes, size, offset in
            unsafe LogFile.flushed(file) { unsafe $1.xRead($0, bytes, size, offset) }
        }
        unsafe methods.xTruncate = { file, size in
            unsafe LogFile.flushed(file) { unsafe $1.xTruncate($0, size) }
        }
        unsafe methods.xSync = { file, flags in
            unsafe LogFile.flushed(file) { unsafe $1.xSync($0, flags) }
        }
        unsafe methods.xFileSize = { file, size in
            unsafe LogFile.flushed(file) { unsafe $1.xFileSize($0, size) }
        }
        unsafe methods.xLock = { file, level in
            unsafe LogFile.passed(file) { unsafe $1.xLock($0, level) }
        }
        unsafe methods.xUnlock = { file, level in
            unsafe LogFile.passed(file) { unsafe $1.xUnlock($0, level) }
        }
        unsafe methods.xCheckReservedLock = { file, isReserved in
            unsafe LogFile.passed(file) { unsafe $1.xCheckReservedLock($0, isReserved) }
        }
        unsafe methods.xFileControl = { file, operation, argument in
            unsafe LogFile.passed(file) { unsafe $1.xFileControl($0, operation, argument) }
        }
        unsafe methods.xSectorSize = { file in
            unsafe LogFile.passed(file) { unsafe $1.xSectorSize($0) }
        }
        unsafe methods.xDeviceCharacteristics = { file in
            unsafe LogFile.passed(file) { unsafe $1.xDeviceCharacteristics($0) }
        }
        return methods
    }
}
