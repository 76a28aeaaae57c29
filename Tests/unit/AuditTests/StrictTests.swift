// What an answer waits for: it is told that its line is on disk when it is, and never otherwise.

import Foundation
import Synchronization
import Testing
import UV

@testable import Audit
@testable import System
@testable import Tokens

/// A file that knows how much of it is on disk, and may fail. Any thread asks.
private final class CountingDisk: AuditStorage {
    final class Control: Sendable {
        private struct State {
            var written = 0
            var synced = 0
            var syncs = 0
            var canWrite = true
            var canSync = true
        }
        private let state = Mutex(State())
        var synced: Int { state.withLock { $0.synced } }
        var syncs: Int { state.withLock { $0.syncs } }
        var canWrite: Bool {
            get { state.withLock { $0.canWrite } }
            set { state.withLock { $0.canWrite = newValue } }
        }
        var canSync: Bool {
            get { state.withLock { $0.canSync } }
            set { state.withLock { $0.canSync = newValue } }
        }
        func wrote(_ count: Int) { state.withLock { $0.written += count } }
        func sync() {
            state.withLock { state in
                state.synced = state.written
                state.syncs += 1
            }
        }
    }
    private let file: AppendFile
    private let control: Control

    init(_ path: String, _ control: Control) throws(AppendFile.Failure) {
        file = try AppendFile(path, .append)
        self.control = control
    }

    var path: String { file.path }
    func lock(withinMilliseconds patience: Int) {}
    func unlock() {}
    func place() -> AppendFile.Place { .atItsPath }
    func size() throws(AppendFile.Failure) -> Int { try file.size() }
    func read(at offset: Int, countMax: Int) throws(AppendFile.Failure) -> [UInt8] {
        try file.read(at: offset, countMax: countMax)
    }
    func rewrite(_ bytes: [UInt8], at offset: Int) throws(AppendFile.Failure) {
        try file.rewrite(bytes, at: offset)
    }
    func append(_ bytes: [UInt8]) throws(AppendFile.Failure) {
        guard control.canWrite else { throw AppendFile.Failure(path: path, code: ENOSPC) }
        try file.append(bytes)
        control.wrote(bytes.count)
    }
    func truncate(to size: Int) throws(AppendFile.Failure) { try file.truncate(to: size) }
    func sync() throws(AppendFile.Failure) {
        // As a disk does, it takes a while.
        usleep(2_000)
        guard control.canSync else { throw AppendFile.Failure(path: path, code: EIO) }
        control.sync()
    }
}

@Suite struct StrictTests {
    private let folder: Folder
    private let control = CountingDisk.Control()
    private let reports = Reports()

    init() throws { folder = try Folder() }

    private func open(countMax: Int = AuditLog.countMax) throws -> AuditLog {
        let reports = reports
        let report: @Sendable (String) -> Void = { reports.add($0) }
        let disk = try CountingDisk(folder.log, control)
        return try AuditLog(
            AuditFile(disk, report: report), countMax: countMax, report: report,
            now: { AuditEvent.time })
    }

    /// What one loop was told, in order.
    private final class Told {
        var answers: [(number: Int, isOnDisk: Bool)] = []
        /// The line of a success was not on disk when it was told.
        var tooEarly = 0
    }

    /// Records so many events on a loop of its own, a few in each turn, and returns what was told.
    private func run(_ log: AuditLog, _ count: Int, atOnce: Int = 8, looks: Bool = true) throws
        -> Told
    {
        let loop = try EventLoop()
        let face = try AuditFace(log, loop)
        let timer = try UV.Timer(loop)
        let told = Told()
        var next = 0
        func record() {
            guard next < count else {
                if told.answers.count == count {
                    timer.close()
                    face.close()
                }
                return
            }
            let number = next
            next += 1
            face.record(.refusal(UInt64(number))) { [control, folder] isOnDisk in
                if isOnDisk, looks {
                    do {
                        let bytes = try folder.read().prefix(control.synced)
                        let text = String(decoding: bytes, as: UTF8.self)
                        if !text.contains("\"consent-\(number)\"") { told.tooEarly += 1 }
                    } catch { Issue.record("\(error)") }
                }
                told.answers.append((number, isOnDisk))
                record()
            }
        }
        timer.start(afterMilliseconds: 1) { for _ in 0..<max(1, atOnce) { record() } }
        loop.run()
        return told
    }

    @Test(arguments: [0, 1, 8, 300])
    func successIsToldWhenItsLineIsOnDisk(count: Int) throws {
        let log = try open()
        let told = try run(log, count)
        #expect(told.answers.map(\.number) == Array(0..<count), "each once, in order")
        #expect(told.answers.allSatisfy(\.isOnDisk) && told.tooEarly == 0)
        log.close()
        #expect(try folder.summary()?.lines == count)
    }

    @Test func busyLogSharesItsSyncs() throws {
        let log = try open()
        let before = control.syncs
        let told = try run(log, 2000, atOnce: 200, looks: false)
        #expect(told.answers.count == 2000 && told.tooEarly == 0)
        // What is recorded in a turn of the loop shares one.
        #expect(control.syncs - before < 30, "\(control.syncs - before) syncs for 2,000 lines")
        log.close()
    }

    @Test func loneEventWaitsForNoTimer() throws {
        let log = try open()
        defer { log.close() }
        // One after the other. The machine may be busy, so the best of three counts.
        var times: [Int] = []
        for _ in 0..<3 {
            let began = Clock.monotonicMicroseconds()
            #expect(try run(log, 20, atOnce: 1, looks: false).answers.count == 20)
            times.append(Clock.monotonicMicroseconds() - began)
        }
        let least = 20 * (2_000 + Int(AuditWriter.lingerMilliseconds) * 1000)
        #expect(times.min().map { $0 < least } == true, "batches lingered: \(times) µs")
    }

    @Test func severalLoopsAreAllTold() throws {
        let log = try open()
        let counts = Mutex<[Int]>([])
        let workers = try (0..<3).map { _ in
            try Worker(owning: self, named: "test") { tests in
                do {
                    let told = try tests.run(log, 200)
                    let count = told.answers.count(where: \.isOnDisk)
                    counts.withLock { $0.append(count) }
                } catch { Issue.record("\(error)") }
            }
        }
        for worker in workers { worker.join() }
        log.close()
        #expect(counts.withLock { $0 } == [200, 200, 200])
        #expect(try folder.summary()?.lines == 600)
    }

    enum Fault: CaseIterable { case write, sync }

    @Test(arguments: Fault.allCases)
    func lineThatIsNotOnDiskIsNoSuccess(fault: Fault) throws {
        let log = try open()
        #expect(log.isAvailable)
        func set(_ isGood: Bool) {
            switch fault {
            case .write: control.canWrite = isGood
            case .sync: control.canSync = isGood
            }
        }
        set(false)
        let told = try run(log, 20)
        #expect(told.answers.map(\.number) == Array(0..<20))
        #expect(told.answers.allSatisfy { !$0.isOnDisk })
        #expect(!log.isAvailable)
        set(true)
        #expect(reports.wait(for: "written again"), "by itself")
        #expect(log.isAvailable)
        #expect(try run(log, 20).answers.allSatisfy(\.isOnDisk))
        log.close()
    }

    @Test func whatDoesNotFitIsToldAtOnce() throws {
        let log = try open(countMax: 3)
        let loop = try EventLoop()
        let face = try AuditFace(log, loop)
        var told: [Bool] = []
        control.canSync = false
        for number in 0..<50 { face.record(.refusal(UInt64(number))) { told.append($0) } }
        #expect(told.count >= 40 && told.allSatisfy { !$0 })
        face.close()
        loop.run()
        #expect(told.count == 50 && told.allSatisfy { !$0 }, "who waits is told before the end")
        control.canSync = true
        log.close()
    }
}
