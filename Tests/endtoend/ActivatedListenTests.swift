// A socket that the service manager hands over counts, and an address that is set as well does not: the
// log says so at the start, unless both are the same.

import Foundation
import Testing

@Suite struct ActivatedListenTests {
    /// Binds a port, and becomes the server that gets its socket as `http`. Where it is to listen is the
    /// port's own address for `same`.
    private static let manager = """
        import os, socket, sys
        opened = socket.socket()
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        address = "127.0.0.1:%d" % opened.getsockname()[1]
        os.dup2(opened.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="http")
        words = [address if word == "same" else word for word in sys.argv[1:]]
        os.execv(words[0], words)
        """

    private func lines(_ options: [String], file: String? = nil) throws -> String {
        let path = NSTemporaryDirectory() + "obie-listen-\(UUID().uuidString)"
        try (file ?? "").write(toFile: path, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let server = try ChildProcess(
            "/usr/bin/env",
            [
                "python3", "-c", Self.manager, ChildProcess.binary.path, "serve", "--store",
                "memory",
                "--admin-listen", "127.0.0.1:0", "--log-format", "text", "--config", path,
            ] + options, isWatched: true)
        defer { server.stop(SIGKILL) }
        for _ in 0..<1000 where server.isRunning && !server.errorOutput.contains("listening on") {
            usleep(10_000)
        }
        // What is said of the start is said by then.
        #expect(server.stop(SIGTERM) == 0, "\(server.errorOutput)")
        return server.errorOutput
    }

    @Test func addressThatDoesNotCountIsTold() throws {
        let flag = try lines(["--listen", "127.0.0.1:1"])
        #expect(flag.contains("--listen is 127.0.0.1:1, and does not count"), "\(flag)")
        #expect(flag.contains("ListenStream="))
        let file = try lines([], file: "listen = 0.0.0.0:80\n")
        #expect(file.contains("line 1 is 0.0.0.0:80, and does not count"), "\(file)")
    }

    @Test(arguments: [[], ["--listen", "same"]])
    func addressThatAgreesIsNotTold(options: [String]) throws {
        let said = try lines(options)
        #expect(said.contains("listening on"))
        #expect(!said.contains("does not count"), "\(said)")
    }
}
