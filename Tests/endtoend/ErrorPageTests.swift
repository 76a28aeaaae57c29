// Where the links of errors lead, and that no two errors share an id.

import Testing

@Suite struct ErrorPageTests {
    static let codes = [
        "parameter_missing", "parameter_invalid", "version_unsupported", "content_type_invalid",
        "json_invalid", "grant_type_unsupported", "http_malformed", "authentication_error",
        "ccg_token_invalid", "fi_forbidden", "auth_code_invalid", "redirect_uri_unregistered",
        "psp_not_authorised", "psp_certificate_invalid",
        "not_found", "method_not_allowed", "request_timeout", "payload_too_large", "uri_too_long",
        "expectation_failed", "headers_too_large", "not_implemented", "http_version_unsupported",
        "internal_error", "overloaded", "invalid_client", "invalid_request",
    ]

    @Test(arguments: codes)
    func pageHasAnAnchorForEveryCode(code: String) throws {
        let page = try ServerProcess.shared().answer(to: Call("GET", "/errors"))
        #expect(page.status == 200)
        #expect(page["Content-Type"]?.lowercased().hasPrefix("text/html") == true)
        #expect(page.text.count { $0 == "<" } == page.text.count { $0 == ">" })
        #expect(page.text.ranges(of: #"id="\#(code)""#).count == 1)
        expectDate(page)
    }

    /// The link as it was sent, followed as a browser would.
    @Test func everyLinkResolves() throws {
        let server = try ServerProcess.shared()
        let calls = [
            Call.tokens("{}"), .tokens(#"{"auth_code":1}"#), .makeCode().setting("version", "2"),
            .makeCode().setting("Content-Type", "a/b"), .tokens("{"),
            .tokens(#"{"grant_type":"x"}"#), .makeCode().removing("Authorization"),
            .makeCode().setting("ccg_token", "x"), .exchange("x"),
            .makeCode().setting("fi_reference_id", "unknown"),
            .makeCode(["redirect_uri": #""https://a.example""#]), Call("GET", "/nope"),
            Call("PUT", Call.tokensPath), Call("BREW", "/"), .makeCode().adding("Expect", "x"),
            Call("GET", "/").with(version: "HTTP/2.0"), .makeCode().adding("Host", "x"),
            Call("GET", "/" + String(repeating: "a", count: 8_192)),
            Call("GET", "/").adding("a", String(repeating: "a", count: 16_384)),
            .makeCode().with(body: [UInt8](repeating: 32, count: 65_537)),
        ]
        for item in try calls.flatMap({ try server.answer(to: $0).errors() }) {
            let parts = item.link.split(separator: "#")
            try #require(parts.count == 2)
            #expect(parts[1] == item.code)
            let target = parts[0].trimmingPrefix(server.origin)
            let page = try server.answer(to: Call("GET", String(target)))
            #expect(page.status == 200)
            #expect(page.text.contains(#"id="\#(item.code)""#))
        }
    }

    @Test func identifiersNeverRepeat() throws {
        let server = try ServerProcess.shared()
        var identifiers: Set<String> = []
        for _ in 0..<10 {
            let connection = try server.connect()
            for _ in 0..<50 {
                try connection.send(Call.codes("{}").bytes)
                let items = try connection.readResponse().errors()
                #expect(items.count == 4)
                identifiers.formUnion(items.map(\.id))
            }
        }
        #expect(identifiers.count == 2_000)
    }

    @Test(arguments: ["https://tokens.example", "http://tokens.example:8443/base/"])
    func linksStartWithThePublicURL(url: String) throws {
        try ServerProcess.with("--public-url", url) { server in
            let start = url.hasSuffix("/") ? String(url.dropLast()) : url
            let call = Call.makeCode().removing("version")
            let items = try server.answer(to: call).errors()
            #expect(items.map(\.link) == ["\(start)/errors#parameter_missing"])
            let malformed = try server.answer(toRaw: "x\r\n\r\n").errors()
            #expect(malformed.map(\.link) == ["\(start)/errors#http_malformed"])
        }
    }

    /// A title must not repeat what may be a secret.
    @Test func errorsEchoNoSecrets() throws {
        let server = try ServerProcess.shared()
        let secret = "s3cr3t-value-of-mine"
        let calls = [
            Call.exchange(secret), .exchange("x", ["redirect_uri": Call.json(secret)]),
            .makeCode().setting("ccg_token", secret), .makeCode().adding("ccg_token", secret),
            .makeCode().setting("Authorization", Sandbox.basic("api-consumer-id:\(secret)")),
            .makeCode().setting("Authorization", secret), .makeCode(["scope": Call.json(secret)]),
            .makeCode(["consent_id": Call.json(String(repeating: secret, count: 7))]),
            .exchange("x", ["grant_type": Call.json(secret)]),
            .exchange(secret, ["redirect_uri": nil]),
        ]
        for call in calls {
            let response = try server.answer(to: call)
            #expect(response.status >= 400)
            #expect(!response.text.contains(secret))
        }
        #expect(!server.program.errorOutput.contains(secret))
    }
}
