// x-fapi-interaction-id: echoed as given wherever the answer comes from, or ignored.

import Testing

@Suite struct InteractionIdentifierTests {
    static let name = "x-fapi-interaction-id"
    static let identifiers = [
        "93bac548-d2de-4546-b106-880a5018460d", "93BAC548-D2DE-4546-B106-880A5018460D",
        "00000000-0000-0000-0000-000000000000", "ffffffff-FFFF-ffff-FFFF-ffffffffffff",
    ]

    /// One call for every status an endpoint has.
    static func calls() throws -> [(Int, Call)] {
        let fresh = try ServerProcess.shared().newCode()
        return [
            (201, .clientCredentials), (201, .makeCode()), (201, .exchange(fresh)),
            (400, .makeCode().adding("Authorization", "x")),
            (400, .makeCode().removing("version")), (400, .codes("{")),
            (401, .makeCode().removing("Authorization")),
            (401, .makeCode().setting("ccg_token", "x")),
            (403, .makeCode().setting("fi_reference_id", "unknown")),
            (403, .makeCode(["redirect_uri": #""https://a.example""#])), (403, .exchange("x")),
            (405, .makeCode().with(method: "PUT")),
            (413, .makeCode().with(body: [UInt8](repeating: 32, count: 65_537))),
            (417, .makeCode().adding("Expect", "x")),
        ]
    }

    @Test(arguments: identifiers)
    func identifierIsEchoedAsGiven(identifier: String) throws {
        let server = try ServerProcess.shared()
        for (status, call) in try Self.calls() {
            let response = try server.answer(to: call.adding(Self.name, identifier))
            #expect(response.status == status)
            #expect(response.values(Self.name) == [identifier], "\(status)")
        }
    }

    @Test(arguments: [
        "", "x", "93bac548d2de4546b106880a5018460d", "93bac548-d2de-4546-b106-880a5018460",
        "93bac548-d2de-4546-b106-880a5018460dd", "93bac548-d2de-4546-b106-880a5018460g",
        "{93bac548-d2de-4546-b106-880a5018460d}", "93bac548_d2de_4546_b106_880a5018460d",
        "93bac54-8d2de-4546-b106-880a5018460d", "93bac548-d2de-4546-b106-880a5018460é",
    ])
    func malformedIdentifierIsIgnored(identifier: String) throws {
        let server = try ServerProcess.shared()
        for (status, call) in try Self.calls() {
            let response = try server.answer(to: call.adding(Self.name, identifier))
            #expect(response.status == status)
            #expect(response.values(Self.name).isEmpty)
        }
    }

    @Test func doubledIdentifierIsIgnored() throws {
        let server = try ServerProcess.shared()
        for (status, call) in try Self.calls() {
            let doubled = call.adding(Self.name, Self.identifiers[0])
                .adding(Self.name, Self.identifiers[0])
            let response = try server.answer(to: doubled)
            #expect(response.status == status)
            #expect(response.values(Self.name).isEmpty)
        }
    }

    @Test func nothingIsEchoedUnasked() throws {
        let server = try ServerProcess.shared()
        for (status, call) in try Self.calls() {
            let response = try server.answer(to: call)
            #expect(response.status == status)
            #expect(response.values(Self.name).isEmpty)
        }
    }
}
