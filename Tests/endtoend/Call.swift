// The requests of the contract, made from the sandbox's well-known values, to be bent by the tests.

import Foundation
import Testing

enum Sandbox {
    static let authorization = basic("api-consumer-id:password")
    static let institution = "PSDGB-FCA-111111"
    static let redirectURI = "https://www.google.com"
    static let ccgToken = "good-access-token"

    static func basic(_ credentials: String) -> String {
        "Basic " + Data(credentials.utf8).base64EncodedString()
    }
}

struct Call: Sendable, CustomTestStringConvertible {
    var method: String
    var target: String
    var version = "HTTP/1.1"
    var fields: [Field] = [Field("Host", "localhost")]
    /// Nil sends no Content-Length either.
    var body: [UInt8]?

    static let tokensPath = "/v1/obie/tokens"
    static let codesPath = "/v1/obie/authorization_codes"

    init(_ method: String, _ target: String) {
        self.method = method
        self.target = target
    }

    /// A POST with every header that the API wants.
    init(posting body: String, to target: String) {
        self.init("POST", target)
        fields += [
            Field("Authorization", Sandbox.authorization),
            Field("fi_reference_id", Sandbox.institution), Field("version", "1"),
            Field("ccg_token", Sandbox.ccgToken), Field("Content-Type", "application/json"),
        ]
        self.body = Array(body.utf8)
    }

    /// `{"grant_type":"client_credentials"}`, as a newcomer sends it.
    static var clientCredentials: Call {
        tokens(#"{"grant_type":"client_credentials"}"#).removing("ccg_token")
    }

    static func tokens(_ body: String) -> Call {
        Call(posting: body, to: tokensPath)
    }

    static func codes(_ body: String) -> Call {
        Call(posting: body, to: codesPath)
    }

    /// Asks for a code. Members are JSON texts; nil leaves one out.
    static func makeCode(_ changes: [String: String?] = [:]) -> Call {
        let usual: [String: String?] = [
            "consent_id": #""consent-1""#, "psu_account_id": #""account-1""#,
            "redirect_uri": json(Sandbox.redirectURI), "scope": #""accounts""#,
        ]
        return codes(object(usual.merging(changes) { $1 }))
    }

    /// Exchanges a code. Members are JSON texts; nil leaves one out.
    static func exchange(_ code: String, _ changes: [String: String?] = [:]) -> Call {
        let usual: [String: String?] = [
            "auth_code": json(code), "redirect_uri": json(Sandbox.redirectURI),
        ]
        return tokens(object(usual.merging(changes) { $1 }))
    }

    private static func object(_ members: [String: String?]) -> String {
        let texts = members.compactMap { name, text in text.map { "\"\(name)\":\($0)" } }
        return "{" + texts.sorted().joined(separator: ",") + "}"
    }

    /// A JSON string with nothing escaped that need not be.
    static func json(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case "\0"..<" ":
                "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: "\(scalar)"
            }
        }
        return "\"" + escaped.joined() + "\""
    }

    var head: String {
        var lines = ["\(method) \(target) \(version)"]
        lines += fields.map { "\($0.name): \($0.value)" }
        if let body { lines.append("Content-Length: \(body.count)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    var bytes: [UInt8] { Array(head.utf8) + (body ?? []) }

    /// The same with the body in chunks of that size.
    func chunkedBytes(size: Int = 7, extension chunkExtension: String = "") -> [UInt8] {
        var call = adding("Transfer-Encoding", "chunked")
        call.body = nil
        var bytes = call.bytes
        var rest = (body ?? [])[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(size)
            bytes += Array("\(String(chunk.count, radix: 16))\(chunkExtension)\r\n".utf8)
            bytes += chunk + [13, 10]
            rest = rest.dropFirst(size)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    var testDescription: String { "\(method) \(target.prefix(40))" }
}

struct Field: Sendable {
    var name: String
    var value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension Call {
    func removing(_ name: String) -> Call {
        var copy = self
        copy.fields.removeAll { $0.name.lowercased() == name.lowercased() }
        return copy
    }

    func adding(_ name: String, _ value: String) -> Call {
        var copy = self
        copy.fields.append(Field(name, value))
        return copy
    }

    func setting(_ name: String, _ value: String) -> Call {
        removing(name).adding(name, value)
    }

    func with(body: String) -> Call {
        with(body: Array(body.utf8))
    }

    func with(body: [UInt8]) -> Call {
        var copy = self
        copy.body = body
        return copy
    }

    func with(method: String) -> Call {
        var copy = self
        copy.method = method
        return copy
    }

    func with(version: String) -> Call {
        var copy = self
        copy.version = version
        return copy
    }

    func with(target: String) -> Call {
        var copy = self
        copy.target = target
        return copy
    }
}
