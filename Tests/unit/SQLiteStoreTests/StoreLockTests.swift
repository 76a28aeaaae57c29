// One server at a time on one file, whatever becomes of names: PATH.lock, links, other places.

import Foundation
import Glibc
import Testing
import Tokens
import UV

@testable import SQLiteStore

@Suite struct StoreLockTests {
    private func refusal(_ path: String) -> String? {
        do {
            try Rig.file(path) { _ in }.close()
            return nil
        } catch { return "\(error)" }
    }

    @Test func removedLockFileLetsNobodyIn() throws {
        let rig = try Rig()
        try Shell.remove("\(rig.path).lock")
        #expect(try #require(refusal(rig.path)).contains("in use by another server"))
        // A command finds the server all the same, and soon what it has taken over.
        #expect(
            try StoreLock.wait(registryVersion: 0, store: rig.path, milliseconds: 40) == .isLate())
        try #require(rig.file).registry.takenOver(3)
        _ = try #require(rig.file).registry.version()
        #expect(
            try StoreLock.wait(registryVersion: 3, store: rig.path, milliseconds: 40)
                == .hasTakenOver)
        #expect(try #require(refusal(rig.path)).contains("in use by another server"))
        rig.close()
        #expect(
            try StoreLock.wait(registryVersion: 9, store: rig.path, milliseconds: 40) == .notRunning
        )
        #expect(refusal(rig.path) == nil)
    }

    /// A command may be opening or closing the file at that moment.
    @Test func startWaitsForWhoHasTheFileAloneForAMoment() throws {
        let rig = try Rig()
        rig.close()
        let other = try Database(path: rig.path, .existing)
        try other.execute("BEGIN EXCLUSIVE")
        let thread = try Worker(owning: other, named: "other") { other in
            usleep(300_000)
            #expect(throws: Never.self) { try other.execute("ROLLBACK") }
        }
        try rig.open()
        thread.join()
        try rig.insert(rig.code(1)).get()
    }

    @Test func symbolicLinkLeadsToTheSameLock() throws {
        let rig = try Rig()
        let link = rig.path + "-link"
        for suffix in ["", ".registry"] {
            try Shell.link(rig.path + suffix, link + suffix, isSymbolic: true)
        }
        try Shell.remove("\(rig.path).lock")
        #expect(try #require(refusal(link)).contains("in use by another server"))
        _ = try #require(rig.file).registry.version()
        #expect(try #require(refusal(link)).contains("in use by another server"))
        try #require(rig.file).registry.takenOver(5)
        #expect(
            try StoreLock.wait(registryVersion: 5, store: link, milliseconds: 40) == .hasTakenOver)
    }

    @Test func hardLinkIsRefused() throws {
        let rig = try Rig()
        let other = rig.path + "-other"
        try Shell.link(rig.path, other, isSymbolic: false)
        #expect(try #require(refusal(other)).contains("2 names"))
        rig.close()
        #expect(try #require(refusal(rig.path)).contains("find -samefile"))
        try Shell.remove(other)
        #expect(refusal(rig.path) == nil)
    }

    @Test func renamedFileIsStillLockedAndItsPlaceIsNotFree() throws {
        let rig = try Rig()
        let moved = rig.path + "-moved"
        try Shell.move(rig.path, moved)
        for suffix in ["-wal", "-shm"] { try Shell.move(rig.path + suffix, moved + suffix) }
        #expect(try #require(refusal(moved)).contains("in use by another server"))
        // Its registry is still there: an empty store does not come in its place.
        #expect(try #require(refusal(rig.path)).contains("is missing"))
        #expect(!Shell.exists(rig.path))
    }

    /// To close any descriptor of a file gives SQLite's own locks back: none is closed before them.
    @Test func otherProcessesSeeSQLitesOwnLocks() throws {
        let rig = try Rig()
        let script = """
            import sqlite3, sys
            d = sqlite3.connect(sys.argv[1], timeout=0)
            d.execute('PRAGMA locking_mode=EXCLUSIVE')
            try: d.execute('BEGIN EXCLUSIVE'); d.execute('DELETE FROM meta'); print('free')
            except sqlite3.OperationalError as e: print(e)
            """
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, rig.path]
        process.standardOutput = pipe
        try process.run()
        process.waitUntilExit()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(said.contains("locked"), "\(said)")
    }
}
