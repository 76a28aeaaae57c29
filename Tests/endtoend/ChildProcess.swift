// A child process with its output in unlinked files, so that nothing blocks on a full pipe.

import Foundation
import Glibc
import Synchronization

final class ChildProcess: Sendable {
    private let process: Process
    private let output: OutputFile
    private let errors: OutputFile
    private let ended = DispatchSemaphore(value: 0)
    /// What keeps the watchdog waiting.
    private let leash = Mutex<Pipe?>(nil)

    /// The executable under test, next to the test bundle.
    static let binary = URL(fileURLWithPath: CommandLine.arguments[0])
        .resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("obie-tokens")

    /// - Parameter isWatched: whether it has to die with this process.
    init(_ path: String, _ arguments: [String], isWatched: Bool = false) throws {
        output = try OutputFile()
        errors = try OutputFile()
        process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output.writer
        process.standardError = errors.writer
        process.terminationHandler = { [ended] _ in ended.signal() }
        try withSignalsUnblocked { try process.run() }
        if isWatched {
            let pipe = Pipe()
            let watchdog = Process()
            watchdog.executableURL = URL(fileURLWithPath: "/bin/sh")
            watchdog.arguments = [
                "-c", "read line || kill -TERM \"$1\"", "sh", "\(process.processIdentifier)",
            ]
            watchdog.standardInput = pipe
            try withSignalsUnblocked { try watchdog.run() }
            leash.withLock { $0 = pipe }
        }
    }

    var isRunning: Bool { process.isRunning }
    var processIdentifier: Int32 { process.processIdentifier }
    var standardOutput: String { output.text }
    var errorOutput: String { errors.text }
    var errorLines: [Substring] { errorOutput.split(separator: "\n") }

    /// The exit status; nil where it did not end in time or ended by a signal.
    func exitStatus(withinSeconds seconds: Double = 20) -> Int32? {
        guard ended.wait(timeout: .now() + seconds) == .success else { return nil }
        ended.signal()
        return process.terminationReason == .exit ? process.terminationStatus : nil
    }

    func send(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Sends the signal and waits; kills what does not obey. Harmless when it has ended.
    @discardableResult
    func stop(_ signal: Int32) -> Int32? {
        if process.isRunning { kill(process.processIdentifier, signal) }
        let status = exitStatus()
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        leash.withLock { pipe in
            pipe?.fileHandleForWriting.write(Data("done\n".utf8))
            pipe = nil
        }
        return status
    }

    /// Runs to the end; kills it after that time.
    static func run(
        _ path: String, _ arguments: [String], withinSeconds seconds: Double = 20
    ) throws -> (status: Int32?, output: String, errors: String) {
        let child = try ChildProcess(path, arguments)
        let status = child.exitStatus(withinSeconds: seconds)
        child.stop(SIGKILL)
        return (status, child.standardOutput, child.errorOutput)
    }
}

/// A file without a name: written by a child, read here.
private final class OutputFile: Sendable {
    let writer: FileHandle
    private let reader: Mutex<FileHandle>

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("obie-e2e-\(UUID().uuidString)")
        try Data().write(to: url)
        writer = try FileHandle(forWritingTo: url)
        reader = Mutex(try FileHandle(forReadingFrom: url))
        try FileManager.default.removeItem(at: url)
    }

    var text: String {
        reader.withLock { reader in
            reader.seek(toFileOffset: 0)
            return String(decoding: reader.readDataToEndOfFile(), as: UTF8.self)
        }
    }
}
