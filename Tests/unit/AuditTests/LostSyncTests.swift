// A sync that fails once: Linux calls clean what it could not write, and the next sync succeeds without
// it. Nothing that is told to be on disk may be gone after a power cut.

import Foundation
import Glibc
import Testing

@testable import Audit
@testable import System

/// A disk with the kernel's memory in front of it. One thread.
private final class ForgetfulDisk: AuditStorage {
    private let file: AppendFile
    /// What a power cut leaves.
    private(set) var onDisk: [UInt8] = []
    /// Where memory differs from the disk, as far as the kernel knows.
    private var dirty: Range<Int>?
    var failsNextSync = false
    /// Clean pages go from memory, and are read from the disk.
    var forgets = false

    init(_ path: String) throws { file = try AppendFile(path, .append) }

    var path: String { file.path }
    func lock(withinMilliseconds patience: Int) throws(AppendFile.Failure) {
        try file.lock(withinMilliseconds: patience)
    }
    func unlock() { file.unlock() }
    func place() -> AppendFile.Place { file.place() }
    func size() throws(AppendFile.Failure) -> Int { try file.size() }
    func read(at offset: Int, countMax: Int) throws(AppendFile.Failure) -> [UInt8] {
        let bytes = try file.read(at: offset, countMax: countMax)
        guard forgets else { return bytes }
        return bytes.indices.map { at in
            let place = offset + at
            if dirty?.contains(place) == true { return bytes[at] }
            return place < onDisk.count ? onDisk[place] : 0
        }
    }
    func append(_ bytes: [UInt8]) throws(AppendFile.Failure) {
        let start = try file.size()
        try file.append(bytes)
        touch(start..<start + bytes.count)
    }
    func rewrite(_ bytes: [UInt8], at offset: Int) throws(AppendFile.Failure) {
        try file.rewrite(bytes, at: offset)
        touch(offset..<offset + bytes.count)
    }
    func truncate(to size: Int) throws(AppendFile.Failure) {
        try file.truncate(to: size)
        onDisk = Array(onDisk.prefix(size))
    }
    func sync() throws(AppendFile.Failure) {
        if failsNextSync {
            (failsNextSync, dirty) = (false, nil)
            throw AppendFile.Failure(path: path, code: EIO)
        }
        let bytes = try file.read(at: 0, countMax: try file.size())
        if let dirty {
            let missing = max(0, min(dirty.upperBound, bytes.count) - onDisk.count)
            onDisk += [UInt8](repeating: 0, count: missing)
            for at in dirty where at < bytes.count { onDisk[at] = bytes[at] }
        }
        dirty = nil
    }

    private func touch(_ range: Range<Int>) {
        let low = min(dirty?.lowerBound ?? range.lowerBound, range.lowerBound)
        dirty = low..<max(dirty?.upperBound ?? range.upperBound, range.upperBound)
    }
}

@Suite struct LostSyncTests {
    private let folder: Folder
    private let disk: ForgetfulDisk
    private let file: AuditFile
    private let reports = Reports()

    init() throws {
        folder = try Folder()
        disk = try ForgetfulDisk(folder.log)
        file = AuditFile(disk) { [reports] in reports.add($0) }
    }

    private func write(_ numbers: Range<UInt64>) throws {
        for number in numbers { try file.write([AuditRecord(.refusal(number))], now: 0) }
    }

    private func failSync() {
        disk.failsNextSync = true
        #expect(throws: AuditFailure.self) { try file.sync() }
    }

    /// How many whole lines a power cut would leave.
    private func linesOnDisk() throws -> Int {
        try folder.write(Data(disk.onDisk))
        return try #require(try folder.summary(), "the chain is whole").lines
    }

    /// Before the first good sync, and behind one; once, and several times in a row.
    @Test(arguments: [0, 3] as [UInt64], [1, 2, 5])
    func whatIsToldToBeOnDiskIsThere(before: UInt64, failures: Int) throws {
        if before > 0 {
            try write(0..<before)
            try file.sync()
        }
        try write(before..<before + 4)
        for _ in 0..<failures { failSync() }
        try write(before + 4..<before + 6)
        try file.sync()
        #expect(try linesOnDisk() == Int(before) + 6)
        #expect(reports.lines.isEmpty)
    }

    /// The pages were dropped from memory too: the lines are gone, and the log says so.
    @Test(arguments: [0, 3] as [UInt64])
    func whatIsLostIsTold(before: UInt64) throws {
        try write(0..<before)
        try file.sync()
        try write(before..<before + 4)
        failSync()
        disk.forgets = true
        try file.sync()
        disk.forgets = false
        try write(before + 4..<before + 5)
        try file.sync()
        // The line that tells of it, and the one after.
        #expect(try linesOnDisk() == Int(before) + 2)
        #expect(try #require(try folder.summary()).repairs == 1)
        #expect(reports.lines.count == 1)
    }

    /// Another process has appended meanwhile, and has synced.
    @Test func linesOfOthersStay() throws {
        try write(0..<2)
        try file.sync()
        try write(2..<4)
        failSync()
        let other = AuditFile(try AppendFile(folder.log, .append)) { [reports] in reports.add($0) }
        try other.write([AuditRecord(.refusal(9))], now: 0)
        try write(4..<5)
        try file.sync()
        #expect(try linesOnDisk() == 6)
    }
}
