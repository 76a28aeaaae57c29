// What the tests stand on: a folder that goes away, events, and a disk that can be full.

import Foundation
import Synchronization
import Testing

@testable import Audit
@testable import System
@testable import Tokens

/// Exists as long as somebody holds it.
final class Folder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(
            path: "obie-audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("\(path) stays behind: \(error)")
        }
    }

    /// The log of this folder.
    var log: String { path + "/audit.log" }

    func read() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: log))) }

    func write(_ bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(filePath: log))
    }

    /// Without their ends.
    func lines() throws -> [[UInt8]] {
        try read().split(separator: 10, omittingEmptySubsequences: false).dropLast().map(Array.init)
    }

    /// The lines as JSON.
    func objects() throws -> [[String: Any]] {
        try lines().map(object)
    }

    func verify(head: String? = nil) throws -> AuditVerdict {
        try AuditVerifier.verify(log, head: head)
    }

    /// The verdict where it has to be good.
    func summary() throws -> AuditSummary? {
        guard case .whole(let summary) = try verify() else { return nil }
        return summary
    }
}

func object(_ line: [UInt8]) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
}

func errorID(_ number: UInt64) -> SealedIdentifier { SealedIdentifier(high: 0, low: number) }

func text(_ id: SealedIdentifier) -> String {
    var bytes: [UInt8] = []
    id.appendToken(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

extension AuditEvent {
    /// 2026-11-26T18:53:02.123Z
    static let time: Milliseconds = 1_795_719_182_123

    static func refusal(_ number: UInt64) -> AuditEvent {
        var event = AuditEvent(.refused, at: time + Milliseconds(number))
        event.errors = [(errorID(number), "auth_code_invalid")]
        event.reason = AuditReason.codeExpired.rawValue
        event.clientID = "api-consumer-id"
        event.consentID = "consent-\(number)"
        return event
    }

    static let fullToken = Identifier(issuedAt: time, randomHigh: 3, randomLow: 4)

    /// With every member that there is.
    static func full(_ kind: Kind) -> AuditEvent {
        var event = AuditEvent(kind, at: time)
        event.errors = [(errorID(1), "parameter_missing"), (errorID(2), "parameter_invalid")]
        event.reason = "auth_code is required"
        event.clientID = "api-consumer-id"
        event.institution = "PSDGB-FCA-111111"
        event.provider = "PSDGB-FCA-222222"
        event.consentID = "consent-1"
        event.code = Identifier(issuedAt: time, randomHigh: 1, randomLow: 2)
        event.token = .identifier(fullToken)
        event.scope = .payments
        event.transactionReference = "reference-1"
        event.interactionID = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a"
        event.requestID = .given(Array("request-\"1\"".utf8))
        event.traceID = "0af7651916cd43dd8448eb211c80319c"
        event.peer = [192, 0, 2, 1]
        event.redirectURI = "https://psp.example/other"
        event.codeRedirectURI = "https://psp.example/callback"
        event.change = "provider PSDGB-FCA-222222 was added"
        event.actor = "alice (uid 1000) as root (uid 0)"
        event.details = [("version", "0.7.0"), ("store", "sqlite:/var/lib/x.db")]
        return event
    }
}

/// Lines said by a log.
final class Reports: Sendable {
    private let said = Mutex<[String]>([])
    var lines: [String] { said.withLock { $0 } }
    func add(_ line: String) { said.withLock { $0.append(line) } }

    /// Waits, at most ten seconds.
    func wait(for text: String) -> Bool {
        waitUntil { lines.contains { $0.contains(text) } }
    }
}

func waitUntil(_ isTrue: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<2000 {
        if try isTrue() { return true }
        usleep(5_000)
    }
    return false
}

/// A file on a disk with only so much room, of which a write takes what fits. Any thread sets.
final class SmallDisk: AuditStorage {
    /// Where the file must end.
    let room: Control
    private let file: AppendFile

    final class Control: Sendable {
        private let bytes: Mutex<Int>
        private let truncates: Mutex<Bool>
        private let syncs: Mutex<Bool>
        init(bytes: Int) {
            self.bytes = Mutex(bytes)
            truncates = Mutex(true)
            syncs = Mutex(true)
        }
        var bytesMax: Int {
            get { bytes.withLock { $0 } }
            set { bytes.withLock { $0 = newValue } }
        }
        var canTruncate: Bool {
            get { truncates.withLock { $0 } }
            set { truncates.withLock { $0 = newValue } }
        }
        var canSync: Bool {
            get { syncs.withLock { $0 } }
            set { syncs.withLock { $0 = newValue } }
        }
    }

    init(_ path: String, room: Control) throws(AppendFile.Failure) {
        file = try AppendFile(path, .append)
        self.room = room
    }

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
    func append(_ bytes: [UInt8]) throws(AppendFile.Failure) {
        let fitting = max(0, min(bytes.count, room.bytesMax - (try file.size())))
        try file.append(Array(bytes.prefix(fitting)))
        if fitting < bytes.count { throw AppendFile.Failure(path: path, code: ENOSPC) }
    }
    func rewrite(_ bytes: [UInt8], at offset: Int) throws(AppendFile.Failure) {
        try file.rewrite(bytes, at: offset)
    }
    func truncate(to size: Int) throws(AppendFile.Failure) {
        guard room.canTruncate else { throw AppendFile.Failure(path: path, code: EIO) }
        try file.truncate(to: size)
    }
    func sync() throws(AppendFile.Failure) {
        guard room.canSync else { throw AppendFile.Failure(path: path, code: EIO) }
        try file.sync()
    }
}
