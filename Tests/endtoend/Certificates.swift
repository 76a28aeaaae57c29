// The certificates of these tests, made by openssl's command line.

import Foundation
import Testing

/// Files with certificates, made once.
struct Certificates {
    static let shared = Result { try Certificates() }
    let folder: String

    private init() throws {
        folder = NSTemporaryDirectory() + "obie-certificates-\(UUID().uuidString)"
        let made = try ChildProcess.run("/usr/bin/env", ["python3", Self.maker, folder])
        try #require(made.status == 0, "\(made.errors)")
    }

    private static let maker: String = {
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return here.appending(path: "harness/certificates.py").path
    }()

    func path(_ name: String) -> String { "\(folder)/\(name).pem" }

    /// As a header has it: base64 of the DER.
    func header(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("-----") }.joined()
    }

    /// As nginx passes it on.
    func escaped(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
            .replacing("\n", with: "%0A").replacing("+", with: "%2B").replacing("/", with: "%2F")
            .replacing("=", with: "%3D").replacing(" ", with: "%20")
    }

    /// The same in hexadecimal, as Envoy has it, in capitals.
    func digest(_ name: String) throws -> String {
        let command = "openssl x509 -in '\(path(name))' -outform DER | openssl dgst -sha256 -r"
        return try ChildProcess.run("/bin/sh", ["-c", command]).output.prefix(64).uppercased()
    }

    /// SHA-256 of the DER in base64url, by openssl.
    func thumbprint(_ name: String) throws -> String {
        let command =
            "openssl x509 -in '\(path(name))' -outform DER | openssl dgst -sha256 -binary | base64"
        let found = try ChildProcess.run("/bin/sh", ["-c", command])
        return found.output.trimmingCharacters(in: .whitespacesAndNewlines)
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
