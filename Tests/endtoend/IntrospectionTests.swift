// POST /oauth2/introspect in the words of RFC 7662.

import Foundation
import Testing

@Suite struct IntrospectionTests {
    private static let path = "/oauth2/introspect"

    static func call(_ form: String) -> Call {
        var call = Call("POST", path)
        call.fields += [
            Field("Authorization", Sandbox.authorization),
            Field("Content-Type", "application/x-www-form-urlencoded"),
        ]
        call.body = Array(form.utf8)
        return call
    }

    private func newToken(_ changes: [String: String?] = [:]) throws -> (
        code: String, token: String
    ) {
        let server = try ServerProcess.shared()
        let code = try server.newCode(changes)
        let data = try server.answer(to: .exchange(code)).data()
        return (code, try #require(data["access_token"] as? String))
    }

    @Test func liveTokenIsDescribed() throws {
        let server = try ServerProcess.shared()
        let (_, token) = try newToken([
            "consent_id": #""c \" \u00e9 😀""#, "psu_account_id": #""a""#, "scope": #""payments""#,
        ])
        let response = try server.answer(to: Self.call("x=y&token=\(token)&token_type_hint=z"))
        #expect(response.status == 200)
        #expect(response.values("Cache-Control") == ["no-store"])
        let json = try response.json()
        #expect(
            Set(json.keys) == [
                "active", "scope", "client_id", "token_type", "iat", "exp", "sub", "consent_id",
            ])
        #expect(json["active"] as? Bool == true)
        #expect(json["scope"] as? String == "payments")
        #expect(json["client_id"] as? String == "PSDGB-FCA-222222")
        #expect(json["token_type"] as? String == "bearer")
        #expect(json["sub"] as? String == "a")
        #expect(json["consent_id"] as? String == "c \" \u{e9} 😀")
        let issued = try #require(json["iat"] as? Int)
        #expect(abs(Date().timeIntervalSince1970 - Double(issued)) < 60)
        #expect(json["exp"] as? Int == issued + 31_104_000)
    }

    @Test func replayOfACodeKillsItsToken() throws {
        let server = try ServerProcess.shared()
        let (code, token) = try newToken()
        #expect(try server.answer(to: .exchange(code)).status == 403)
        let response = try server.answer(to: Self.call("token=\(token)"))
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"active":false}"#)
    }

    @Test(arguments: [
        "good-access-token", "x", "%00", "00000000-0000-0000-0000-000000000000", "a+b",
        "ffffffff-ffff-ffff-ffff-fffffffffff", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    ])
    func whatIsNoLiveTokenIsInactive(token: String) throws {
        let response = try ServerProcess.shared().answer(to: Self.call("token=\(token)"))
        #expect(response.status == 200)
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"active":false}"#)
    }

    @Test func codeIsNotIntrospectable() throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode()
        let response = try server.answer(to: Self.call("token=\(code)"))
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"active":false}"#)
    }

    @Test(arguments: [
        "", "token", "token=", "tok=en", "token=a&token=b", "token=a&%74oken=b", "token=%zz",
        "token=%1",
    ])
    func badFormIsInvalidRequest(form: String) throws {
        let response = try ServerProcess.shared().answer(to: Self.call(form))
        #expect(response.status == 400)
        #expect(try response.json()["error"] as? String == "invalid_request")
        #expect(try response.json()["error_description"] is String)
    }

    @Test(arguments: ["application/json", "", "text/plain"])
    func otherContentTypeIsInvalidRequest(type: String) throws {
        let call = Self.call("token=a").removing("Content-Type").adding("Content-Type", type)
        let response = try ServerProcess.shared().answer(to: call)
        #expect(response.status == 400)
        #expect(try response.json()["error"] as? String == "invalid_request")
    }

    @Test(arguments: [nil, "Basic eDp5", "Bearer x"])
    func badCredentialsAreInvalidClient(authorization: String?) throws {
        var call = Self.call("token=a").removing("Authorization")
        if let authorization { call = call.adding("Authorization", authorization) }
        let response = try ServerProcess.shared().answer(to: call)
        #expect(response.status == 401)
        #expect(try response.json()["error"] as? String == "invalid_client")
        #expect(response.values("WWW-Authenticate") == [#"Basic realm="obie", charset="UTF-8""#])
    }

    @Test func otherMethodIsNotAllowed() throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: Call("GET", Self.path))
        try expectErrors(response, 405, "method_not_allowed", on: server)
        #expect(response.values("Allow") == ["POST, OPTIONS"])
    }
}
