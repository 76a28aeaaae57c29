// Lines of the log, and the thread that writes them.

import Foundation
import Testing

@testable import Server

@Suite struct LogLineTests {
    private func lines(_ format: Logger.Format, _ body: (Logger) -> Void) throws -> [Substring] {
        let pipe = Pipe()
        let log = try Logger(
            format, .info, isAccessLogged: true,
            descriptor: pipe.fileHandleForWriting.fileDescriptor)
        body(log)
        log.close()
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return text.split(separator: "\n")
    }

    @Test func linesAreJSONOrText() throws {
        let said = try lines(.json) { $0.log(.warning, #"a "b""#) }
        #expect(said.count == 1 && said[0].hasPrefix(#"{"time":"2"#))
        #expect(said[0].hasSuffix(#"Z","level":"warning","message":"a \"b\""}"#))
        let text = try lines(.text) { log in
            log.log(.info, "one")
            log.log(.error, "two")
            log.log(.debug, "three")
        }
        #expect(text == ["obie-tokens: one", "obie-tokens: error: two"])
    }

    /// However they come: each once, in order, and none is left when the logger is closed.
    @Test func everyLineIsWrittenInItsPlace() throws {
        let said = try lines(.text) { log in
            for number in 0..<1000 {
                if number % 7 == 0 {
                    log.log(.info, "\(number)")
                } else {
                    log.add(Array("obie-tokens: \(number)\n".utf8)[...], count: 1)
                }
                if number % 100 == 0 { usleep(3000) }
            }
        }
        #expect(said == (0..<1000).map { "obie-tokens: \($0)" })
    }

    /// Nobody adds another for the line's sake.
    @Test func lineOfTheAccessLogIsWrittenWithoutAnother() throws {
        let pipe = Pipe()
        let log = try Logger(
            .text, .info, isAccessLogged: true,
            descriptor: pipe.fileHandleForWriting.fileDescriptor)
        for number in 0..<3 {
            log.add(Array("\(number)\n".utf8)[...], count: 1)
            let data = pipe.fileHandleForReading.availableData
            #expect(String(decoding: data, as: UTF8.self) == "\(number)\n")
        }
        log.close()
    }
}
