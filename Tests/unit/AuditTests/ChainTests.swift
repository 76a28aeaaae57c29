// What somebody does to a log shows.

import Foundation
import Testing

@testable import Audit
@testable import Tokens

@Suite struct ChainTests {
    private static let count = 12
    private let folder: Folder
    private let lines: [[UInt8]]
    private let head: String

    init() throws {
        folder = try Folder()
        try folder.write(Self.log(0..<UInt64(Self.count)))
        lines = try folder.lines()
        head = AuditHash(of: lines[Self.count - 1][...]).text
    }

    private static func log(_ numbers: Range<UInt64>) -> [UInt8] {
        var chain = AuditChain()
        var bytes: [UInt8] = []
        for number in numbers { chain.append(AuditRecord(.refusal(number)), to: &bytes) }
        return bytes
    }

    private func write(_ lines: [[UInt8]]) throws {
        try folder.write(lines.flatMap { $0 + [10] })
    }

    private func brokenLine(_ lines: [[UInt8]], head: String? = nil) throws -> Int? {
        try write(lines)
        guard case .broken(let line, let reason, folder.log) = try folder.verify(head: head) else {
            return nil
        }
        #expect(reason.contains("line"))
        return line
    }

    @Test func untouchedLogIsWhole() throws {
        let summary = try #require(try folder.summary())
        #expect(summary.lines == Self.count)
        #expect(summary.firstTime == "2026-11-26T18:53:02.123Z")
        #expect(summary.lastTime == "2026-11-26T18:53:02.134Z")
        #expect(summary.head == head)
        #expect(summary.droppedEvents == 0 && summary.repairs == 0)
        #expect(try folder.verify(head: head) == .whole(summary))
    }

    @Test func emptyLogIsWhole() throws {
        try folder.write([])
        #expect(try folder.summary() == AuditSummary())
        #expect(try folder.verify(head: AuditSummary().head) == .whole(AuditSummary()))
        guard case .broken = try folder.verify(head: head) else {
            Issue.record("all lines are missing")
            return
        }
    }

    @Test(arguments: 0..<ChainTests.count)
    func changeOfALineShows(index: Int) throws {
        let end = lines[index].count
        for at in [0, end - 1, end - 2, end - 66] + Array(stride(from: index, to: end, by: 11)) {
            var changed = lines
            changed[index][at] ^= 1
            let isLast = index == Self.count - 1
            let broken = try brokenLine(changed, head: isLast ? head : nil)
            // Its own hash is in the next line; what it says of the line before is its own.
            #expect(broken == index + 1 || broken == index + 2, "byte \(at)")
        }
    }

    @Test(arguments: 0..<ChainTests.count)
    func removalOfAnyLineShows(index: Int) throws {
        var changed = lines
        changed.remove(at: index)
        let isLast = index == Self.count - 1
        #expect(try brokenLine(changed, head: isLast ? head : nil) == min(index + 1, 11))
    }

    @Test(arguments: 0..<ChainTests.count)
    func insertionAnywhereShows(index: Int) throws {
        for inserted in [lines[index], lines[(index + 5) % Self.count]] {
            for at in [index, index + 1] {
                var changed = lines
                changed.insert(inserted, at: at)
                #expect(try brokenLine(changed, head: head) != nil)
            }
        }
    }

    @Test(arguments: 0..<ChainTests.count)
    func swapOfAnyTwoLinesShows(index: Int) throws {
        for other in 0..<Self.count where other != index {
            var changed = lines
            changed.swapAt(index, other)
            #expect(try brokenLine(changed) == min(index, other) + 1)
        }
    }

    @Test(arguments: 0..<ChainTests.count)
    func truncationShowsAgainstAHashNotedEarlier(kept: Int) throws {
        #expect(try brokenLine(Array(lines.prefix(kept))) == nil, "nothing says so inside")
        let broken = try folder.verify(head: head)
        guard case .broken(kept, let reason, _) = broken else {
            Issue.record("\(broken)")
            return
        }
        #expect(reason.contains(head))
    }

    @Test(arguments: 0..<ChainTests.count)
    func hashNotedEarlierIsFoundInALogThatHasGrown(index: Int) throws {
        let noted = AuditHash(of: lines[index][...]).text
        #expect(try folder.verify(head: noted) == .whole(try #require(try folder.summary())))
    }

    @Test func logThatWasWrittenAnewShowsAgainstAHashNotedEarlier() throws {
        try folder.write(Self.log(1..<UInt64(Self.count)))
        #expect(try folder.summary() != nil)
        #expect(try folder.verify(head: head) != .whole(try #require(try folder.summary())))
    }

    @Test(arguments: [
        ("", 1), ("x", 1), ("{}", 1), ("{\"time\":\"2026-11-26T18:53:02.123Z\"}", 1), ("\u{0}", 1),
        ("y", AuditRecord.lineBytesMax - 2), ("y", AuditRecord.lineBytesMax - 1),
        ("y", AuditRecord.lineBytesMax), ("y", 600_000),
    ])
    func foreignLineShowsAnywhere(text: String, count: Int) throws {
        for at in [0, 5, Self.count] {
            var changed = lines
            changed.insert(Array(String(repeating: text, count: count).utf8), at: at)
            #expect(try brokenLine(changed) == at + 1)
        }
    }

    @Test func lineWithoutEndShows() throws {
        try folder.write(try folder.read().dropLast())
        guard case .broken(Self.count, let reason, _) = try folder.verify() else {
            Issue.record("half a line passed")
            return
        }
        #expect(reason.contains("no end"))
    }

    @Test func largeLogIsReadInBlocks() throws {
        var chain = AuditChain()
        var bytes: [UInt8] = []
        for number in 0..<5000 {
            var event = AuditEvent.refusal(UInt64(number))
            event.change = String(repeating: "\u{1}", count: number % 500)
            chain.append(AuditRecord(event), to: &bytes)
        }
        #expect(bytes.count > 4_000_000)
        try folder.write(bytes)
        let summary = try #require(try folder.summary())
        #expect(summary.lines == 5000 && summary.head == chain.head.text)
        var (query, found) = (AuditQuery(), [Int]())
        query.errorID = text(errorID(4999))
        try AuditSearch.find(query, in: [folder.log]) { found.append($0.number) }
        #expect(found == [5000])
    }

    @Test func absentFileIsAFailureWithItsCode() throws {
        #expect(throws: AuditFailure.self) { try AuditVerifier.verify(folder.path + "/absent") }
        #expect(throws: AuditFailure.self) { try AuditVerifier.verify(folder.path) }
        do {
            _ = try AuditVerifier.verify(folder.path + "/absent")
        } catch {
            #expect(error.code == ENOENT)
        }
    }
}
