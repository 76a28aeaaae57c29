// Lines of the access log stand behind each other in one array, which is neither copied nor grows without need.

import Foundation
import Testing

@testable import Server

@Suite struct LogLineTests {
    @Test func linesAreAppendedInPlace() throws {
        let pipe = Pipe()
        let log = try Logger(
            .json, .info, isAccessLogged: true,
            descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let origin = RequestOrigin(
            id: .given(Array(#"a"b"#.utf8)), peer: [127, 0, 0, 1], proxy: [], security: nil)
        var lines: [UInt8] = []
        let record = RequestRecord(.post)
        for _ in 0..<3 {
            lines.removeAll(keepingCapacity: true)
            for _ in 0..<3000 {
                log.appendAnswered(
                    .fixedToken(warning: nil), [], record, 1_002_003, bytes: 42, origin, to: &lines)
            }
        }
        // An array that is copied for each line gets a page more each time.
        #expect(lines.capacity < 4 * lines.count, "\(lines.capacity) for \(lines.count)")
        let text = String(decoding: lines, as: UTF8.self)
        #expect(text.hasPrefix(#"{"time":"2"#) && text.hasSuffix("}\n"))
        let said =
            #""status":201,"duration_ms":1002.003,"bytes":42,"peer":"127.0.0.1","request_id":"a\"b"}"#
        #expect(text.contains(said), "\(text)")
        log.close()
    }
}
