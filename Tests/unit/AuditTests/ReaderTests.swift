// What is no file with an audit log in it.

import Foundation
import Testing

@testable import Audit
@testable import Tokens

@Suite struct ReaderTests {
    private let folder: Folder

    init() throws {
        folder = try Folder()
        for _ in 0..<3 { try AuditLog.append(.full(.refused), to: folder.log) { _ in } }
    }

    /// Gives the path of a pipe with these bytes in it, and its end behind them.
    private func withPipe<Result>(_ bytes: Data, _ body: (String) throws -> Result) throws -> Result
    {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: bytes)
        try pipe.fileHandleForWriting.close()
        return try withExtendedLifetime(pipe) {
            try body("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
        }
    }

    @Test func pipeIsReadToItsEnd() throws {
        let bytes = try Data(contentsOf: URL(filePath: folder.log))
        let inFile = try AuditVerifier.verify(folder.log)
        #expect(try withPipe(bytes) { try AuditVerifier.verify($0) } == inFile)
        guard case .whole(let summary) = inFile else {
            Issue.record("the log is broken: \(inFile)")
            return
        }
        #expect(summary.lines == 3)
        var query = AuditQuery()
        query.consentID = "consent-1"
        var found = 0
        try withPipe(bytes) { path in try AuditSearch.find(query, in: [path]) { _ in found += 1 } }
        #expect(found == 3)
    }

    @Test func whatIsNoAuditLogIsRefused() throws {
        for (bytes, words) in [
            (Data([0x1F, 0x8B, 8, 0, 10]), "<(zcat"),
            (Data("hosts and names\n".utf8), "no audit log"),
        ] {
            try bytes.write(to: URL(filePath: folder.log))
            let failure = #expect(throws: AuditFailure.self) {
                try AuditSearch.find(AuditQuery(), in: [folder.log]) { _ in }
            }
            #expect(failure?.description.contains(words) == true)
        }
    }
}
