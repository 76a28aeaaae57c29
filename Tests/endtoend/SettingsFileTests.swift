// The file of settings as editors of all systems leave it.

import Foundation
import Testing

@Suite struct SettingsFileTests {
    private func show(_ bytes: [UInt8]) throws -> (outcome: Outcome, path: String) {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let arguments = ["config", "show", "--config", file.path]
        let ended = try ChildProcess.run(ChildProcess.binary.path, arguments)
        return (
            Outcome(
                arguments: arguments, status: ended.status, output: ended.output,
                errors: ended.errors), file.path
        )
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    private static let bytes = [UInt8]("loops = 3\r\n\r\n# ours\r\nidle-timeout = 1m\r\n".utf8)

    @Test(arguments: [
        bytes, mark + bytes, mark + bytes.filter { $0 != 0x0D }, mark + bytes.dropLast(2),
        bytes.filter { $0 != 0x0D },
    ])
    func marksAndLineEndsOfOtherSystemsAreTaken(bytes: [UInt8]) throws {
        let (outcome, path) = try show(bytes)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.contains(["loops", "3", "\(path):1"]), "\(outcome.output)")
        #expect(lines.contains(["idle-timeout", "60", "\(path):4"]), "\(outcome.output)")
    }

    @Test(arguments: [
        ([UInt8]("loops = 3\nmode = \0\n".utf8), 2, "NUL"),
        (mark + [UInt8]("loops = 3\r\n# ".utf8) + [0xC3, 0x28, 0x0A], 2, "UTF-8"),
        ([0xFF, 0xFE] + [UInt8]("l\0o\0o\0p\0s\0".utf8), 1, "UTF-8"),
        ([UInt8]("# caf".utf8) + [0xE9, 0x0A], 1, "UTF-8"),
        // A mark in the middle is no mark.
        ([UInt8]("loops = 3\n".utf8) + mark + [UInt8]("mode = sandbox\n".utf8), 2, "no setting"),
    ])
    func whatIsNoTextIsNamedWithItsLine(bytes: [UInt8], line: Int, says: String) throws {
        let (outcome, path) = try show(bytes)
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("\(path), line \(line): "), "\(outcome.errors)")
        #expect(outcome.errors.contains(says), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }
}
