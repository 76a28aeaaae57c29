// The end of the file: crashes, several processes, files that are no logs.

import Foundation
import Testing
import UV

@testable import Audit
@testable import Tokens
@testable import System

@Suite struct FileTests {
    private let folder: Folder
    private let reports = Reports()

    init() throws { folder = try Folder() }

    private func open() throws -> AuditFile {
        let reports = reports
        return AuditFile(try AppendFile(folder.log, .append)) { reports.add($0) }
    }

    private func write(_ file: AuditFile, _ number: UInt64) throws {
        try file.write([AuditRecord(.refusal(number))], now: 0)
    }

    @Test func fileIsForThisUserOnly() throws {
        try write(try open(), 1)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.log)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func twoWritersInTurnKeepOneChain() throws {
        let (one, other) = (try open(), try open())
        let turns = [one, other, other, one, other, one, one, one, other, one]
        for (number, file) in turns.enumerated() { try write(file, UInt64(number)) }
        let summary = try #require(try folder.summary())
        #expect(summary.lines == turns.count && summary.repairs == 0)
        #expect(
            try folder.objects().map { $0["consent"] as? String }
                == turns.indices.map {
                    "consent-\($0)"
                })
    }

    /// Two whole lines, and a third of which a crash left every possible part.
    @Test func tornTailIsRepairedAtEveryByte() throws {
        for number in 0..<UInt64(3) { try write(try open(), number) }
        let bytes = try folder.read()
        let whole = try folder.lines().prefix(2).reduce(0) { $0 + $1.count + 1 }
        for kept in whole...bytes.count {
            try folder.write(bytes.prefix(kept))
            try write(try open(), 9)
            let summary = try #require(try folder.summary(), "\(kept) bytes")
            let isTorn = kept != whole && kept != bytes.count
            #expect(summary.repairs == (isTorn ? 1 : 0), "\(kept) bytes")
            let objects = try folder.objects()
            #expect(objects.count == (kept == whole ? 3 : 4))
            #expect(objects.last?["consent"] as? String == "consent-9")
            if isTorn {
                #expect(objects[2]["event"] as? String == "tail_repaired")
                #expect(objects[2]["bytes"] as? Int == kept - whole)
            }
        }
    }

    @Test func tornFirstLineIsRepairedAtEveryByte() throws {
        try write(try open(), 0)
        let bytes = try folder.read()
        for kept in 1..<bytes.count {
            try folder.write(bytes.prefix(kept))
            try write(try open(), 9)
            let summary = try #require(try folder.summary(), "\(kept) bytes")
            #expect(summary.lines == 2 && summary.repairs == 1)
        }
    }

    /// File systems may give zeros for what a power cut kept from being written.
    @Test(arguments: [
        1, AuditRecord.lineBytesMax - 1, AuditRecord.lineBytesMax, AuditRecord.lineBytesMax + 1,
        300_000,
    ])
    func zerosBehindTheLastLineAreCutOff(count: Int) throws {
        try write(try open(), 0)
        let zeros = [UInt8](repeating: 0, count: count)
        try folder.write(try folder.read() + zeros)
        try write(try open(), 1)
        #expect(try folder.summary()?.repairs == 1)
        #expect(try folder.objects()[1]["bytes"] as? Int == count)
        try folder.write(zeros)
        try write(try open(), 2)
        #expect(try folder.summary()?.lines == 2)
    }

    @Test func longestLineIsFoundAgain() throws {
        for number in 0..<UInt64(4) {
            var event = AuditEvent.refusal(number)
            event.change = String(repeating: "\u{1}", count: 5000)
            event.errors = Array(repeating: (errorID(1), "parameter_missing"), count: 32)
            event.clientID = String(repeating: "\u{1}", count: 5000)
            event.institution = event.clientID
            event.provider = event.clientID
            event.transactionReference = event.clientID
            event.interactionID = event.clientID
            event.reason = event.clientID
            try open().write([AuditRecord(event)], now: 0)
        }
        #expect(try folder.summary()?.lines == 4)
    }

    /// How it begins, how many bytes follow, how it ends.
    static let foreign: [(String, Int, String)] = [
        ("SQLite format 3\0and so on", 0, ""), ("a text\n", 0, ""), ("a text\n", 9, ""),
        ("\n", 0, ""), ("{\"a\":1}\n", 0, ""), ("{\"time\":\"x\"}\n", 0, ""), ("", 200_000, ""),
        ("", 200_000, "\n"), ("{\"time\":\"2\nabc", 0, ""),
    ]

    @Test(arguments: foreign)
    func fileThatIsNoLogIsLeftAlone(start: String, count: Int, end: String) throws {
        let content = start + String(repeating: "x", count: count) + end
        try folder.write(content.utf8)
        #expect(throws: AuditFailure.self) { try write(try open(), 0) }
        #expect(throws: AuditFailure.self) {
            try AuditLog(path: folder.log, report: { _ in })
        }
        #expect(try folder.read() == Array(content.utf8))
    }

    /// Whoever cuts lines off under a running server leaves a gap that the verifier sees without
    /// any noted hash.
    @Test func linesCutOffUnderTheWriterShow() throws {
        let file = try open()
        for number in 0..<UInt64(4) { try write(file, number) }
        let lines = try folder.lines()
        for kept in 0..<4 {
            try folder.write(lines.prefix(kept).flatMap { $0 + [10] } + lines[kept].prefix(40))
            let file = try open()
            try folder.write(lines.flatMap { $0 + [10] })
            try file.write([], now: 0)
            try folder.write(lines.prefix(kept).flatMap { $0 + [10] } + lines[kept].prefix(40))
            try write(file, 9)
            guard case .broken(kept + 1, _, _) = try folder.verify() else {
                Issue.record("\(kept) lines were left and all seemed well")
                return
            }
        }
        #expect(reports.lines.count { $0.contains("cut") } == 4)
    }

    @Test func fullDiskLeavesNoHalfLine() throws {
        let room = SmallDisk.Control(bytes: 0)
        let disk = try SmallDisk(folder.log, room: room)
        let file = AuditFile(disk) { _ in }
        room.bytesMax = .max
        try write(file, 0)
        let bytes = try folder.read()
        for extra in 0..<bytes.count {
            room.bytesMax = bytes.count + extra
            #expect(throws: AuditFailure.self) { try write(file, 1) }
            #expect(try folder.read() == bytes)
        }
        room.bytesMax = .max
        try write(file, 2)
        #expect(try folder.summary()?.lines == 2)
    }

    @Test func halfALineThatCannotBeTakenBackIsRepairedLater() throws {
        let room = SmallDisk.Control(bytes: .max)
        let file = AuditFile(try SmallDisk(folder.log, room: room)) { _ in }
        try write(file, 0)
        let whole = try folder.read().count
        room.bytesMax = whole + 50
        room.canTruncate = false
        #expect(throws: AuditFailure.self) { try write(file, 1) }
        #expect(throws: AuditFailure.self) { try write(file, 1) }
        #expect(try folder.read().count == whole + 50)
        room.canTruncate = true
        #expect(throws: AuditFailure.self) { try write(file, 1) }
        room.bytesMax = .max
        try write(file, 2)
        #expect(try folder.summary()?.lines == 3)
        #expect(try folder.objects()[1]["bytes"] as? Int == 50)
    }

    @Test func lockedFileIsWaitedForAndThenRefused() throws {
        let other = try AppendFile(folder.log, .append)
        try other.lock(withinMilliseconds: 0)
        let file = try open()
        do {
            try write(file, 0)
            Issue.record("two had the file")
        } catch let failure as AuditFailure {
            #expect(failure.code == EWOULDBLOCK)
        }
        let unlocking = try Worker(owning: other, named: "test") { other in
            usleep(100_000)
            other.unlock()
        }
        try write(file, 1)
        unlocking.join()
        #expect(try folder.summary()?.lines == 1)
    }
}
