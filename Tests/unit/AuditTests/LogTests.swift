// The log with its thread: bounded, never silent about a loss, and back by itself.

import Foundation
import Synchronization
import Testing
import UV

@testable import Audit
@testable import Tokens
@testable import System

@Suite struct LogTests {
    private let folder: Folder
    private let reports = Reports()

    init() throws { folder = try Folder() }

    private func log(
        _ storage: (any AuditStorage)? = nil, countMax: Int = AuditLog.countMax
    ) throws -> AuditLog {
        let reports = reports
        let storage = try storage ?? AppendFile(folder.log, .append)
        let report: @Sendable (String) -> Void = { reports.add($0) }
        return try AuditLog(
            AuditFile(storage, report: report), countMax: countMax, report: report,
            now: { AuditEvent.time })
    }

    private func dropped() throws -> Int {
        try folder.objects().filter { $0["event"] as? String == "events_dropped" }
            .reduce(0) { $0 + ($1["count"] as? Int ?? 0) }
    }

    @Test(arguments: [0, 1, 255, 256, 257, 5000])
    func closeWritesWhatWaits(count: Int) throws {
        let log = try log()
        for number in 0..<UInt64(count) { log.record(.refusal(number)) }
        log.close()
        let summary = try #require(try folder.summary())
        #expect(summary.lines == count)
        #expect(
            try folder.objects().map { $0["consent"] as? String }
                == (0..<count).map { "consent-\($0)" })
        #expect(reports.lines.isEmpty)
    }

    @Test func eventsAreWrittenWithoutClose() throws {
        let log = try log()
        for number in 0..<UInt64(3) {
            log.record(.refusal(number))
            #expect(try waitUntil { try folder.lines().count == Int(number) + 1 })
        }
        log.close()
    }

    @Test func severalThreadsAreAllHeard() throws {
        let log = try log()
        let workers = try (0..<4).map { thread in
            try Worker(owning: UInt64(thread), named: "test") { thread in
                for number in 0..<UInt64(1000) { log.record(.refusal(thread * 1000 + number)) }
            }
        }
        for worker in workers { worker.join() }
        log.close()
        #expect(try folder.summary()?.lines == 4000)
        let consents = Set(try folder.objects().compactMap { $0["consent"] as? String })
        #expect(consents.count == 4000)
    }

    @Test func twoLogsOnOneFileAndTheCommandLineKeepOneChain() throws {
        let (one, other) = (try log(), try log())
        for number in 0..<UInt64(200) {
            (number % 2 == 0 ? one : other).record(.refusal(number))
            if number % 10 == 0 {
                try AuditLog.append(.refusal(1000 + number), to: folder.log) { _ in }
            }
        }
        one.close()
        other.close()
        #expect(try folder.summary()?.lines == 220)
    }

    /// The file is locked, so the thread stands still and the queue fills.
    @Test(arguments: [9, 10, 11, 200])
    func queueIsBoundedAndSaysWhatItDropped(count: Int) throws {
        let log = try log(countMax: 10)
        let other = try AppendFile(folder.log, .append)
        try other.lock(withinMilliseconds: 1000)
        log.record(.refusal(0))
        usleep(500_000)
        for number in 1...UInt64(count) { log.record(.refusal(number)) }
        other.unlock()
        log.close()
        let lost = max(0, count - 10)
        #expect(try dropped() == lost)
        let summary = try #require(try folder.summary())
        #expect(summary.droppedEvents == lost)
        #expect(summary.lines == 1 + count - lost + (lost > 0 ? 1 : 0))
        #expect(reports.lines == (lost > 0 ? ["\(lost) audit events were dropped"] : []))
        #expect(
            try folder.objects().prefix(1 + count - lost).map { $0["consent"] as? String }
                == (0...(count - lost)).map { "consent-\($0)" }, "the oldest stay")
    }

    @Test func queueNeverGrowsBeyondItsBound() {
        let queue = AuditQueue(countMax: 3)
        let record = AuditRecord(.refusal(0))
        #expect(queue.add(record) == .first)
        for _ in 0..<2 { #expect(queue.add(record) == .another) }
        for _ in 0..<5 { #expect(queue.add(record) == .droppedAsFull) }
        let first = queue.take(leaving: [])
        #expect(first.records.count == 3 && first.dropped == 5)
        let second = queue.take(leaving: first.records.filter { _ in false })
        #expect(second.records.isEmpty && second.dropped == 0)
        #expect(queue.add(record) == .first)
        queue.close()
        #expect(queue.add(record) == .droppedAsClosed)
        #expect(queue.take(leaving: []).records.count == 1)
    }

    @Test func fullDiskIsReportedOnceAndRecoversByItself() throws {
        let room = SmallDisk.Control(bytes: 100)
        let log = try log(try SmallDisk(folder.log, room: room))
        log.record(.refusal(0))
        #expect(reports.wait(for: "cannot be written"))
        for number in 1..<UInt64(5) {
            log.record(.refusal(number))
            usleep(30_000)
        }
        #expect(reports.lines.count == 1 && reports.lines[0].contains("No space left on device"))
        #expect(try folder.read().isEmpty)
        // The last of them is found to be lost a moment after it came.
        #expect(waitUntil { log.droppedCount == 5 })
        room.bytesMax = .max
        #expect(reports.wait(for: "written again"), "without another event")
        #expect(try dropped() == 5)
        log.record(.refusal(9))
        log.close()
        #expect(try folder.summary()?.lines == 2)
        #expect(
            Array(reports.lines.dropFirst()) == [
                "5 audit events were dropped", "the audit log is written again",
            ])
    }

    @Test func nextEventAfterAFullDiskComesBehindTheCount() throws {
        let room = SmallDisk.Control(bytes: 0)
        let log = try log(try SmallDisk(folder.log, room: room))
        log.record(.refusal(0))
        #expect(reports.wait(for: "cannot be written"))
        room.bytesMax = .max
        log.record(.refusal(1))
        log.close()
        let objects = try folder.objects()
        #expect(objects.map { $0["event"] as? String } == ["events_dropped", "refused"])
        #expect(objects[0]["count"] as? Int == 1)
        #expect(try folder.summary()?.droppedEvents == 1)
    }

    @Test func diskThatStaysFullIsReportedAtTheEnd() throws {
        let reports = reports
        let report: @Sendable (String) -> Void = { reports.add($0) }
        let device = NoSync(try AppendFile("/dev/full", .append))
        let log = try AuditLog(
            AuditFile(device, report: report), countMax: 10, report: report, now: { 0 })
        log.record(.refusal(0))
        log.record(.refusal(1))
        log.close()
        #expect(reports.lines.count == 2)
        #expect(reports.lines.first?.contains("No space left on device") == true)
        #expect(reports.lines.last == "2 audit events were dropped")
    }

    @Test func diskThatDoesNotSyncIsReportedOnceAndRecovers() throws {
        let room = SmallDisk.Control(bytes: .max)
        let log = try log(try SmallDisk(folder.log, room: room))
        room.canSync = false
        log.record(.refusal(0))
        #expect(reports.wait(for: "cannot be put on disk"))
        log.record(.refusal(1))
        usleep(1_100_000)
        #expect(reports.lines.count == 1)
        room.canSync = true
        #expect(reports.wait(for: "written again"))
        log.close()
        #expect(try folder.summary()?.lines == 2)
        #expect(reports.lines.count == 2)
    }

    @Test func eventAfterCloseIsNotLostSilently() throws {
        let log = try log()
        log.close()
        log.record(.refusal(0))
        #expect(reports.lines.count == 1 && reports.lines[0].contains("refused"))
    }

    @Test func tornTailIsRepairedAtTheStart() throws {
        try AuditLog.append(.refusal(0), to: folder.log) { _ in }
        try folder.write(try folder.read() + Array("{\"time\":\"20".utf8))
        try log().close()
        #expect(try folder.summary()?.repairs == 1)
        #expect(try folder.objects().last?["bytes"] as? Int == 11)
    }

    @Test func pathThatCannotBeOpenedIsAFailure() throws {
        #expect(throws: AuditFailure.self) {
            try AuditLog(path: folder.path + "/absent/audit.log", report: { _ in })
        }
    }
}

/// A device, which does not sync.
private final class NoSync: AuditStorage {
    private let file: AppendFile
    init(_ file: AppendFile) { self.file = file }
    var path: String { file.path }
    func lock(withinMilliseconds patience: Int) throws(AppendFile.Failure) {
        try file.lock(withinMilliseconds: patience)
    }
    func unlock() { file.unlock() }
    func place() -> AppendFile.Place { file.place() }
    func size() throws(AppendFile.Failure) -> Int { try file.size() }
    func read(at offset: Int, countMax: Int) throws(AppendFile.Failure) -> [UInt8] {
        try file.read(at: offset, countMax: countMax)
    }
    func append(_ bytes: [UInt8]) throws(AppendFile.Failure) { try file.append(bytes) }
    func rewrite(_ bytes: [UInt8], at offset: Int) throws(AppendFile.Failure) {
        try file.rewrite(bytes, at: offset)
    }
    func truncate(to size: Int) throws(AppendFile.Failure) { try file.truncate(to: size) }
    func sync() {}
}
