// Where the database's password comes from, and which files are refused.

import Foundation
import Testing
import Tokens

@testable import PostgresStore

@Suite struct StorePasswordTests {
    private let folder = "/tmp/obie-tokens-password-\(UUID().uuidString)"

    /// Runs `body` with a file of this content and these rights.
    private func withFile(
        _ content: String, _ mode: Int, _ body: (String) throws -> Void
    ) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/password"
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(content.utf8), attributes: [.posixPermissions: mode]))
        try body(path)
    }

    @Test(arguments: ["secret", "secret\n", "secret\r\n"])
    func passwordIsOneLine(content: String) throws {
        try withFile(content, 0o600) { path in
            let found = try StorePassword.read(.file(path), [:])
            #expect(found == "secret")
        }
    }

    /// With the end of its line, and not by one character more.
    @Test(arguments: ["", "\n", "\r\n"])
    func longestPasswordIsTaken(end: String) throws {
        let longest = String(repeating: "p", count: 1000)
        try withFile(longest + end, 0o600) { path in
            let found = try StorePassword.read(.file(path), [:])
            #expect(found == longest)
        }
        try withFile("p" + longest + end, 0o600) { path in
            #expect(throws: StoreFailure.self) { try StorePassword.read(.file(path), [:]) }
        }
    }

    @Test(arguments: ["", "\n", "a\nb\n"])
    func anythingElseIsNone(content: String) throws {
        try withFile(content, 0o600) { path in
            #expect(throws: StoreFailure.self) { try StorePassword.read(.file(path), [:]) }
        }
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o644])
    func passwordThatOthersMayReadIsRefused(mode: Int) throws {
        try withFile("secret", mode) { path in
            let failure = try #require(throws: StoreFailure.self) {
                try StorePassword.read(.file(path), [:])
            }
            #expect(failure.description.contains("chmod 600"))
            // libpq would warn, and go on without it.
            #expect(throws: StoreFailure.self) { try StorePassword.checkLibraryFile(path, [:]) }
            #expect(throws: StoreFailure.self) {
                try StorePassword.checkLibraryFile(nil, ["PGPASSFILE": path])
            }
        }
    }

    @Test func credentialIsReadInItsFolder() throws {
        try withFile("secret\n", 0o644) { _ in
            let environment = ["CREDENTIALS_DIRECTORY": folder]
            let found = try StorePassword.read(.credential("password"), environment)
            #expect(found == "secret")
            #expect(throws: StoreFailure.self) {
                try StorePassword.read(.credential("password"), [:])
            }
            #expect(throws: StoreFailure.self) {
                try StorePassword.read(.credential("none"), environment)
            }
        }
    }

    @Test func libraryFileCountsWhereItIs() throws {
        try withFile("*:*:*:*:secret", 0o600) { path in
            let found = try StorePassword.checkLibraryFile(path, [:])
            #expect(found)
        }
        #expect(try !StorePassword.checkLibraryFile(nil, ["HOME": "/nonexistent"]))
        #expect(throws: StoreFailure.self) {
            try StorePassword.checkLibraryFile("/nonexistent/pgpass", [:])
        }
    }
}
