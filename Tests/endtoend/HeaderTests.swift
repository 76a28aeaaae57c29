// Each row of the contract's header table: missing, empty, doubled, malformed, at its limits.

import Testing

@Suite struct HeaderTests {
    /// What each endpoint accepts as it is.
    static let calls = [Call.clientCredentials, .makeCode(), .exchange("x")]

    private func expectFault(
        _ call: Call, _ code: String, about name: String? = nil,
        _ here: SourceLocation = #_sourceLocation
    ) throws {
        let server = try ServerProcess.shared()
        let items = try expectErrors(server.answer(to: call), 400, code, on: server, here)
        if let name {
            #expect(items.first?.title.contains(name) == true, "\(items)", sourceLocation: here)
        }
    }

    @Test(arguments: ["fi_reference_id", "version", "Content-Type"])
    func requiredHeaderIsMissed(name: String) throws {
        for call in Self.calls {
            try expectFault(call.removing(name), "parameter_missing", about: name)
            try expectFault(call.setting(name, ""), "parameter_missing", about: name)
            try expectFault(call.setting(name, " \t "), "parameter_missing", about: name)
        }
    }

    @Test(arguments: [
        "fi_reference_id", "version", "Content-Type", "ccg_token", "transaction_reference",
    ])
    func doubledHeaderIsInvalid(name: String) throws {
        for call in Self.calls {
            let value = call.fields.first { $0.name == name }?.value ?? "x"
            let once = call.setting(name, value)
            try expectFault(once.adding(name, value), "parameter_invalid", about: name)
            try expectFault(once.adding(name, ""), "parameter_invalid", about: name)
            try expectFault(once.adding(name.uppercased(), value), "parameter_invalid", about: name)
        }
    }

    @Test(arguments: [
        "12345", "a", String(repeating: "x", count: 129), "PSDGB FCA", "PSDGB\tFCA",
        "PSDGB-FCA-é", "PSDGB-FCA-111111, PSDGB-FCA-111111",
        String(repeating: "x", count: 8_000),
    ])
    func institutionHasSixTo128VisibleCharacters(value: String) throws {
        for call in Self.calls {
            let changed = call.setting("fi_reference_id", value)
            try expectFault(changed, "parameter_invalid", about: "fi_reference_id")
        }
    }

    @Test(arguments: ["123456", "!~{}\"\\", String(repeating: "x", count: 128)])
    func institutionAtItsLimitsIsOnlyUnknown(value: String) throws {
        let server = try ServerProcess.shared()
        let call = Call.makeCode().setting("fi_reference_id", value)
        try expectErrors(server.answer(to: call), 403, "fi_forbidden", on: server)
    }

    /// As they come out of documents; the title says what is wrong with them.
    @Test(arguments: [
        ("\u{2011}", "U+2011"), ("\u{2010}", "U+2010"), ("\u{2013}", "U+2013"),
        ("\u{2212}", "U+2212"), ("\u{AD}", "U+00AD"), ("\u{FF0D}", "U+FF0D"),
    ])
    func copiedHyphensAreNamed(hyphen: String, name: String) throws {
        let server = try ServerProcess.shared()
        let value = Sandbox.institution.replacing("-", with: hyphen)
        for call in Self.calls {
            let response = try server.answer(to: call.setting("fi_reference_id", value))
            let items = try expectErrors(response, 400, "parameter_invalid", on: server)
            #expect(items[0].title.contains(name) && items[0].title.contains("fi_reference_id"))
        }
    }

    @Test(arguments: [
        "1", "1.0", "1.7", "1.10", "1.00", "1.123456789012345678901234567890", " 1 ", "latest",
    ])
    func versionOneIsServed(version: String) throws {
        let call = Call.clientCredentials.setting("version", version)
        try expectToken(try ServerProcess.shared().answer(to: call))
    }

    @Test(arguments: [
        "2", "0", "1.", "1.x", "v1", "01", "1.7.1", "1,7", "1 .7", "1. 7", "+1", "-1",
        "Latest", "latest ,1", "latest1", "lates", "10", "11.2", "2.1", ".1", "1.-1", "1.7a", "one",
        "１", "1.７", "1e0", "0x1", "1/7",
    ])
    func otherVersionsAreUnsupported(version: String) throws {
        for call in Self.calls {
            try expectFault(call.setting("version", version), "version_unsupported")
        }
    }

    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=UTF-8", "application/json ; charset=\"utf-8\"",
        "APPLICATION/JSON;a=b;c=d",
    ])
    func mediaTypeMayHaveParameters(type: String) throws {
        let call = Call.clientCredentials.setting("Content-Type", type)
        try expectToken(try ServerProcess.shared().answer(to: call))
    }

    @Test(arguments: [
        "text/plain", "application/jsonx", "application/json+x", "application/js",
        "application/x-www-form-urlencoded", "application", "application/json, text/plain", "json",
        "application /json", "text/json", "application/problem+json", "*/*", "application/json x",
        "; charset=utf-8", "application/jsön", "multipart/form-data; boundary=application/json",
    ])
    func otherMediaTypesAreInvalid(type: String) throws {
        for call in Self.calls {
            try expectFault(call.setting("Content-Type", type), "content_type_invalid")
        }
    }

    @Test(arguments: ["x", "", "!~", String(repeating: "r", count: 128)])
    func transactionReferenceIsOptional(value: String) throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(
            to: .clientCredentials.setting("transaction_reference", value))
        try expectToken(response)
        #expect(value.count < 100 || !response.fields.contains { $0.value.contains(value) })
    }

    @Test(arguments: [String(repeating: "r", count: 129), "a b", "a\tb", "é"])
    func malformedTransactionReferenceIsInvalid(value: String) throws {
        for call in Self.calls {
            let changed = call.setting("transaction_reference", value)
            try expectFault(changed, "parameter_invalid", about: "transaction_reference")
        }
    }

    @Test(arguments: ["FI_Reference_ID", "FI_REFERENCE_ID"])
    func headerNamesAreCaseInsensitive(name: String) throws {
        let call = Call.clientCredentials.removing("fi_reference_id")
            .adding(name, Sandbox.institution)
        try expectToken(try ServerProcess.shared().answer(to: call))
    }

    /// Some proxies drop underscores, and cannot be told otherwise.
    @Test func hyphenatedNameIsTheSame() throws {
        let server = try ServerProcess.shared()
        for call in [Call.makeCode(), Call.clientCredentials] {
            var changed = call.adding("transaction-reference", "tx-1")
            for name in ["fi_reference_id", "ccg_token"] {
                guard let value = call.fields.first(where: { $0.name == name })?.value else {
                    continue
                }
                changed = changed.removing(name)
                    .adding(name.replacing("_", with: "-"), value)
            }
            #expect(try server.answer(to: changed).status == 201)
        }
        try expectFault(
            .clientCredentials.adding("transaction-reference", "a b"), "parameter_invalid",
            about: "transaction_reference")
    }

    @Test(arguments: ["fi_reference_id", "ccg_token", "transaction_reference"])
    func bothSpellingsAreTwoOccurrences(name: String) throws {
        for call in Self.calls {
            let value = call.fields.first { $0.name == name }?.value ?? "x"
            let hyphenated = name.replacing("_", with: "-")
            let once = call.setting(name, value)
            try expectFault(once.adding(hyphenated, value), "parameter_invalid", about: name)
            try expectFault(
                once.removing(name).adding(hyphenated.uppercased(), value).adding(hyphenated, ""),
                "parameter_invalid", about: name)
        }
    }

    /// The names of the others are as they are.
    @Test(arguments: ["fi-reference_id", "fi_reference-id"])
    func mixedSpellingIsNone(name: String) throws {
        let call = Call.clientCredentials.removing("fi_reference_id")
            .adding(name, Sandbox.institution)
        try expectFault(call, "parameter_missing", about: "fi_reference_id")
    }

    @Test func allHeaderFaultsAreReportedAtOnce() throws {
        let server = try ServerProcess.shared()
        let call = Call.codes("{").removing("fi_reference_id").setting("version", "2")
            .setting("Content-Type", "text/plain").setting("transaction_reference", "a b")
            .adding("ccg_token", "x")
        let items = try expectErrors(
            server.answer(to: call), 400, "parameter_missing", "version_unsupported",
            "content_type_invalid", "parameter_invalid", "parameter_invalid", on: server)
        for name in ["fi_reference_id", "version", "Content-Type", "transaction_reference"] {
            #expect(items.count { $0.title.contains(name) } >= 1, "\(name)")
        }
        #expect(items.contains { $0.code == "parameter_invalid" && $0.title.contains("ccg_token") })
    }

    @Test func allHeadersMissing() throws {
        let server = try ServerProcess.shared()
        var call = Call("POST", Call.codesPath).adding("Authorization", Sandbox.authorization)
        call.body = Array("{}".utf8)
        try expectErrors(
            server.answer(to: call), 400, "parameter_missing", "parameter_missing",
            "parameter_missing", "parameter_missing", on: server)
    }

    /// On the exchange the body says whether it is needed; for a code it always is.
    @Test(arguments: ["", nil])
    func missingCCGTokenIsReportedWhereItIsKnownToBeNeeded(value: String?) throws {
        let server = try ServerProcess.shared()
        for (call, count, isHeader) in [
            (Call.codes("{}"), 1, true), (Call.codes("{"), 1, true), (Call.tokens("{}"), 3, false),
        ] {
            var changed = call.removing("ccg_token")
            if let value { changed = changed.adding("ccg_token", value) }
            let response = try server.answer(to: changed)
            #expect(try response.errors().count == count)
            #expect(try response.errors().allSatisfy { $0.code == "parameter_missing" })
            #expect(try response.errors().count { $0.title.contains("ccg_token") } == 1)
            let bad = try server.answer(to: changed.setting("version", "2"))
            let codes = try bad.errors().map(\.code)
            #expect(
                codes
                    == (isHeader
                        ? ["version_unsupported", "parameter_missing"] : ["version_unsupported"]))
        }
    }

    @Test func missingCCGTokenIsTheOnlyFault() throws {
        for call in [Call.makeCode(), .exchange("x")] {
            let changed = call.removing("ccg_token")
            try expectFault(changed, "parameter_missing", about: "ccg_token")
        }
    }
}
