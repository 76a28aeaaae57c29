// One log in several files: whoever moves, removes or replaces the file, the chain goes on, and what
// is missing shows.

import Foundation
import Testing

@testable import Audit
@testable import System
@testable import Tokens

@Suite struct RotationTests {
    private let folder: Folder
    private let reports = Reports()

    init() throws { folder = try Folder() }

    private func open() throws -> AuditFile {
        let reports = reports
        return try AuditFile.open(folder.log, ownedLike: nil) { reports.add($0) }
    }

    private func write(_ file: AuditFile, _ number: UInt64) throws {
        try file.write([AuditRecord(.refusal(number))], now: AuditEvent.time)
    }

    /// As the command line does.
    private func append(_ number: UInt64) throws {
        let reports = reports
        try AuditLog.append(.refusal(number), to: folder.log) { reports.add($0) }
    }

    private func shell(_ command: String) throws {
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", "cd '\(folder.path)' && \(command)"]
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0, "\(command)")
    }

    private func verify(_ names: String...) throws -> AuditVerdict {
        try AuditVerifier.verify(names.map { "\(folder.path)/\($0)" })
    }

    private func consents(_ name: String) throws -> [String] {
        try String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8).matches(
            of: /"consent":"consent-(\d+)"/
        ).map { String($0.1) }
    }

    @Test func chainGoesOnFromFileToFile() throws {
        let file = try open()
        for round in 0..<UInt64(3) {
            try write(file, round)
            try append(10 + round)
            try shell("mv audit.log audit.\(round)")
            // The command line is the first to find it gone, or the server is, or nobody says
            // anything before the next move.
            if round == 1 { try append(20) }
        }
        try write(file, 9)
        guard case .whole(let summary) = try verify("audit.0", "audit.1", "audit.2", "audit.log")
        else {
            Issue.record("\(try verify("audit.0", "audit.1", "audit.2", "audit.log"))")
            return
        }
        #expect(summary.goesOnFrom == nil && summary.lines == 8 + 3)
        #expect(try consents("audit.2") == ["20", "2", "12"])
        #expect(file.lossCount == 3)
    }

    /// The rotated file is not needed any more, and may be gone or on another machine.
    @Test(arguments: [true, false])
    func nextProcessGoesOnFromTheLastFile(isRemoved: Bool) throws {
        for number in 0..<UInt64(4) { try append(number) }
        let head = try #require(try folder.summary()).head
        try shell(isRemoved ? "rm audit.log" : "mv audit.log audit.1")
        try append(4)
        let summary = try #require(try folder.summary())
        #expect(summary.goesOnFrom == head)
        #expect(try folder.objects().first?["event"] as? String == "log_continued")
        #expect(try AuditVerifier.verify(folder.log, head: head) == .whole(summary))
        if isRemoved { return }
        guard case .whole(let all) = try verify("audit.1", "audit.log") else {
            Issue.record("the two do not fit")
            return
        }
        #expect(all.lines == 6)
    }

    @Test func whatIsMissingBetweenFilesShows() throws {
        for round in 0..<3 {
            for number in 0..<UInt64(3) { try append(number) }
            try shell("mv audit.log audit.\(round)")
        }
        try append(0)
        // A file is left out, the order is wrong, and lines are cut off the end of one.
        let wrong = [
            ["audit.0", "audit.2", "audit.log"], ["audit.1", "audit.0"], ["audit.log", "audit.0"],
        ]
        for names in wrong {
            let verdict = try AuditVerifier.verify(names.map { "\(folder.path)/\($0)" })
            guard case .broken(1, let reason, let path) = verdict else {
                Issue.record("\(names): \(verdict)")
                continue
            }
            #expect(path == "\(folder.path)/\(names[1])")
            #expect(reason.contains("missing") || reason.contains("of its own"))
        }
        try shell("sed -i '$d' audit.1")
        guard case .broken(1, let reason, _) = try verify("audit.0", "audit.1", "audit.2") else {
            Issue.record("lines were cut off, and all seemed well")
            return
        }
        #expect(reason.contains("audit.1"))
    }

    /// A file whose first lines were cut off does not pass for one that goes on from another.
    @Test func cutBeginningShowsInTheFirstFileToo() throws {
        for number in 0..<UInt64(3) { try append(number) }
        try shell("mv audit.log audit.1")
        for number in 0..<UInt64(3) { try append(number) }
        for name in ["audit.1", "audit.log"] {
            try shell("sed -i 1d \(name)")
            guard case .broken(1, _, _) = try verify(name) else {
                Issue.record("\(name) passed")
                continue
            }
        }
    }

    /// What is done under a writer; whether its lines go to another file then; and what is said, once.
    static let fates: [(command: String, isAnother: Bool, said: String)] = [
        ("mv audit.log audit.1", true, "was moved away; the file that is there now goes on"),
        ("mv audit.log audit.1; touch audit.log", true, "was moved away; the file"),
        ("rm audit.log", true, "was removed with all its lines; the file"),
        ("cp audit.log audit.1; rm audit.log; cp audit.1 audit.log", true, "was removed"),
        ("mv audit.log audit.1; echo foreign > audit.log", false, "none of an audit log"),
        ("mv audit.log audit.1; mkdir audit.log", false, "Is a directory"),
        ("mv audit.log audit.1; ln -s other audit.log", false, "symbolic link"),
        ("cp audit.log audit.1; : > audit.log", false, "has cut"),
    ]

    @Test(arguments: fates)
    func lossUnderTheWriterIsSaidOnce(command: String, isAnother: Bool, said: String) throws {
        let file = try open()
        try write(file, 1)
        try shell(command)
        #expect(file.isAway == (said != "has cut"))
        for number in 2..<UInt64(5) { try write(file, number) }
        #expect(reports.lines.count == 1 && reports.lines[0].contains(said), "\(reports.lines)")
        #expect(file.lossCount == (said == "has cut" ? 0 : 1))
        if said == "has cut" { return }
        #expect(try consents(isAnother ? "audit.log" : "audit.1").suffix(3) == ["2", "3", "4"])
        if isAnother {
            #expect(try folder.summary() != nil)
            return
        }
        // Nothing is lost, and once there is room the log moves on.
        #expect(reports.lines[0].contains("lines go on to the file that was moved"))
        try shell("rm -r audit.log")
        try write(file, 5)
        guard case .whole = try verify("audit.1", "audit.log") else {
            Issue.record("\(try verify("audit.1", "audit.log"))")
            return
        }
        #expect(try consents("audit.log") == ["5"])
    }

    /// Nobody could ever read what is written to a file without a name.
    @Test func removedFileWithoutAnotherIsAFailure() throws {
        let file = try open()
        try write(file, 1)
        try shell("rm audit.log; mkdir audit.log")
        for _ in 0..<3 {
            #expect(throws: AuditFailure.self) { try write(file, 2) }
        }
        #expect(reports.lines.count == 1 && reports.lines[0].contains("events are dropped"))
        try shell("rmdir audit.log")
        try write(file, 3)
        #expect(try consents("audit.log") == ["3"] && file.lossCount == 1)
    }

    @Test func wholeFolderThatIsMovedTakesTheLogAlong() throws {
        let file = try open()
        try write(file, 1)
        try shell2("mv '\(folder.path)' '\(folder.path).away'")
        try write(file, 2)
        #expect(reports.lines.count == 1)
        try shell2("mv '\(folder.path).away' '\(folder.path)'")
        try write(file, 3)
        #expect(try consents("audit.log") == ["1", "2", "3"] && reports.lines.count == 1)
    }

    private func shell2(_ command: String) throws {
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", command]
        try shell.run()
        shell.waitUntilExit()
    }

    @Test func idleLogFindsOutWithinSeconds() throws {
        let reports = reports
        let log = try AuditLog(path: folder.log, report: { reports.add($0) })
        log.record(.refusal(1))
        #expect(try waitUntil { try folder.lines().count == 1 })
        try shell("mv audit.log audit.1")
        #expect(reports.wait(for: "was moved away"))
        #expect(try waitUntil { try folder.lines().count == 1 })
        #expect(log.lossCount == 1)
        log.close()
        guard case .whole = try verify("audit.1", "audit.log") else {
            Issue.record("the two do not fit")
            return
        }
    }

    @Test func askedItLooksAtOnce() throws {
        let reports = reports
        let log = try AuditLog(path: folder.log, report: { reports.add($0) })
        defer { log.close() }
        log.record(.refusal(1))
        #expect(try waitUntil { try folder.lines().count == 1 })
        var took: [Duration] = []
        for round in 1...4 {
            try shell("mv audit.log audit.\(round)")
            let began = ContinuousClock.now
            log.reopen()
            #expect(waitUntil { log.lossCount == round })
            took.append(ContinuousClock.now - began)
        }
        // Less than the time in which it would have looked by itself; one sync may be slow.
        #expect(took.sorted()[1] < .milliseconds(400), "\(took)")
    }

    /// The two take turns under a lock that outlives the file.
    @Test func commandsBesideARotatedLogNeverBeginASecondChain() throws {
        let reports = reports
        let log = try AuditLog(path: folder.log, report: { reports.add($0) })
        for round in 0..<30 {
            log.record(.refusal(UInt64(round)))
            try shell("test -e audit.log && mv audit.log audit.\(round) || true")
            try append(UInt64(100 + round))
        }
        log.close()
        let names =
            (0..<30).map { "audit.\($0)" }.filter {
                FileManager.default.fileExists(atPath: "\(folder.path)/\($0)")
            } + ["audit.log"]
        let verdict = try AuditVerifier.verify(names.map { "\(folder.path)/\($0)" })
        guard case .whole = verdict else {
            Issue.record("\(verdict)")
            return
        }
        let all = try names.flatMap { try consents($0) }
        #expect(Set(all).count == 60 && all.count == 60)
    }

    /// Without a note the file's own last line counts; without both there is nothing to go on from.
    @Test func noteMayBeLost() throws {
        try append(1)
        try shell("rm audit.log.head")
        try append(2)
        try shell("echo nonsense > audit.log.head")
        try append(3)
        #expect(try folder.summary()?.lines == 3)
        try shell("rm audit.log; echo nonsense > audit.log.head")
        try append(4)
        #expect(try folder.summary() != nil && reports.lines.isEmpty)
    }
}
