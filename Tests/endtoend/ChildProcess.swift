// A child process with its output in unlinked files, so that nothing blocks on a full pipe.

import Foundation
import Glibc
import Synchronization

final class ChildProcess: Sendable {
    let processIdentifier: pid_t
    private let output: OutputFile
    private let errors: OutputFile
    /// As `waitpid` has it, once it has ended.
    private let status = Mutex<Int32?>(nil)
    /// Kills it when this process is gone.
    private let watchdog: Watchdog?

    /// The executable under test, next to the test bundle.
    static let binary = URL(fileURLWithPath: CommandLine.arguments[0])
        .resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("obie-tokens")

    /// - Parameters:
    ///   - isWatched: whether it has to die with this process.
    ///   - pipe: gets the standard error instead of `errorOutput`.
    init(
        _ path: String, _ arguments: [String], isWatched: Bool = false, errors pipe: Int32? = nil
    ) throws {
        output = try OutputFile()
        errors = try OutputFile()
        let (out, err) = (output.writer.fileDescriptor, pipe ?? errors.writer.fileDescriptor)
        processIdentifier = try Spawn.start(path, arguments, output: out, errors: err)
        watchdog = isWatched ? try Watchdog(of: processIdentifier, out, err) : nil
    }

    var isRunning: Bool { waitStatus == nil }
    var standardOutput: String { output.text }
    var errorOutput: String { errors.text }
    var errorLines: [Substring] { errorOutput.split(separator: "\n") }

    private var waitStatus: Int32? {
        status.withLock { status in
            if status == nil { status = Spawn.reap(processIdentifier) }
            return status
        }
    }

    /// The exit status; nil where it did not end in time or ended by a signal.
    func exitStatus(withinSeconds seconds: Double = 20) -> Int32? {
        let end = Date(timeIntervalSinceNow: seconds)
        while isRunning, Date() < end { usleep(2000) }
        // The lowest seven bits are the signal, the next eight the status (wait(2)).
        return waitStatus.flatMap { $0 & 0x7F == 0 ? $0 >> 8 & 0xFF : nil }
    }

    func send(_ signal: Int32) {
        if isRunning { kill(processIdentifier, signal) }
    }

    /// Sends the signal and waits; kills what does not obey. Harmless when it has ended.
    @discardableResult
    func stop(_ signal: Int32) -> Int32? {
        send(signal)
        let status = exitStatus()
        send(SIGKILL)
        watchdog?.callOff()
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

/// A shell that waits for a word on a pipe. Where the pipe ends without one, whoever was to say it is
/// gone, and the shell terminates the child.
private final class Watchdog: Sendable {
    private let pid: pid_t
    private let pipe: Int32
    private let isCalledOff = Mutex(false)

    init(of child: pid_t, _ output: Int32, _ errors: Int32) throws {
        let ends = try Spawn.pipe()
        defer { close(ends.reading) }
        pipe = ends.writing
        pid = try Spawn.start(
            "/bin/sh", ["-c", "read line || kill -TERM \"$1\"", "sh", "\(child)"],
            input: ends.reading, output: output, errors: errors)
    }

    deinit {
        close(pipe)
        while Spawn.reap(pid) == nil { usleep(1000) }
    }

    func callOff() {
        isCalledOff.withLock { isCalledOff in
            // Twice would be a signal: the shell is gone then.
            if !isCalledOff { isCalledOff = Spawn.write("done\n", to: pipe) }
        }
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
