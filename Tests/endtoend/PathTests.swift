// Paths and methods: 404, 405 with Allow, OPTIONS, HEAD, 501, on both listeners.

import Testing

@Suite struct PathTests {
    static let health = Call("GET", "/healthz")

    @Test(arguments: ["/healthz", "/healthz?", "/healthz?a=b&c=/nope"])
    func healthIsOK(target: String) throws {
        let response = try ServerProcess.shared().answer(to: Self.health.with(target: target))
        #expect(response.status == 200)
        #expect(response.text == #"{"status":"ok"}"#)
        #expect(response["Content-Type"] == "application/json")
        expectDate(response)
    }

    static let unknownPaths = [
        "/nope", "//", "/healthz/", "//healthz", "/healthz//", "/HEALTHZ", "/%68ealthz", "/health",
        "/healthzz", "/./healthz", "/x/../healthz", "/errors/", "/livez", "/readyz", "/v1",
        "/v1/obie", "/v1/obie/", "/v1/obie/token", "/v1/obie/tokens/", "/v1/obie/tokens/x",
        "/v1/obie/Tokens", "/v1/obie/%74okens", "/v1//obie/tokens", "/v2/obie/tokens",
        "/v1/obie/authorization_codes/", "/v1/obie/authorization-codes", "/healthz;a=b",
    ]

    @Test(arguments: unknownPaths)
    func pathsAreComparedLiterally(path: String) throws {
        let server = try ServerProcess.shared()
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let response = try server.answer(to: Call(method, path))
            try expectErrorBody(response, 404, ["not_found"], on: server)
        }
    }

    /// HAProxy's bare `option httpchk` asks so, and knows no Host.
    @Test func oldProbeOfTheRootIsAnswered() throws {
        var call = Call("OPTIONS", "/").with(version: "HTTP/1.0")
        call.fields = []
        let response = try ServerProcess.shared().answer(to: call)
        #expect(response.status == 204)
        let page = try ServerProcess.shared().answer(to: Call("GET", "/"))
        #expect(page.status == 200 && page["Content-Type"] == "text/html; charset=utf-8")
        for link in ["/openapi.json", "/errors"] {
            // Relative, so that it also leads there below a path of a proxy's.
            #expect(page.text.contains("href=\"\(link.dropFirst())\""))
        }
    }

    @Test func queryIsNoPartOfAPIPaths() throws {
        let server = try ServerProcess.shared()
        let call = Call.clientCredentials
        try expectToken(server.answer(to: call.with(target: Call.tokensPath + "?x=/y?z")))
    }

    @Test(arguments: ["/v1/obie/nope", "/v1/obie/", "/v1/obie/tokens/"])
    func missesUnderTheAPIAreUncacheable(path: String) throws {
        let server = try ServerProcess.shared()
        try expectErrors(
            server.answer(to: Call("POST", path)), 404, "not_found", on: server)
    }

    static let offered: [(String, Set<String>)] = [
        (Call.tokensPath, ["POST", "OPTIONS"]), (Call.codesPath, ["POST", "OPTIONS"]),
        ("/healthz", ["GET", "HEAD", "OPTIONS"]), ("/errors", ["GET", "HEAD", "OPTIONS"]),
        ("/openapi.json", ["GET", "HEAD", "OPTIONS"]), ("/", ["GET", "HEAD", "OPTIONS"]),
        ("/style.css", ["GET", "HEAD", "OPTIONS"]), ("/console.js", ["GET", "HEAD", "OPTIONS"]),
        ("/sandbox/counts", ["GET", "HEAD", "OPTIONS"]),
    ]

    private func allowed(_ response: HTTPResponse) -> Set<String> {
        let names = response["Allow"]?.split(separator: ",") ?? []
        return Set(names.map { String($0.trimmingPrefix(" ")) })
    }

    @Test(arguments: offered)
    func otherMethodsAreNotAllowed(path: String, methods: Set<String>) throws {
        let server = try ServerProcess.shared()
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
        where !methods.contains(method) {
            let response = try server.answer(to: Call(method, path))
            try expectErrorBody(response, 405, ["method_not_allowed"], on: server)
            #expect(allowed(response).union(["OPTIONS"]) == methods)
            if path.hasPrefix("/v1") { expectCommonHeaders(response) }
        }
    }

    @Test(arguments: offered)
    func optionsTellsMethods(path: String, methods: Set<String>) throws {
        let response = try ServerProcess.shared().answer(to: Call("OPTIONS", path))
        #expect(response.status == 204)
        #expect(allowed(response).union(["OPTIONS"]) == methods)
        #expect(response.values("Content-Length").isEmpty)
        expectDate(response)
    }

    /// A HEAD that sent its body would spoil the answer behind it.
    @Test(arguments: [
        "/healthz", "/errors", "/openapi.json", "/", "http://localhost", "/style.css",
        "/console.js", "/sandbox/counts",
    ])
    func headIsGetWithoutBody(path: String) throws {
        let connection = try ServerProcess.shared().connect()
        try connection.send(Call("HEAD", path).bytes + Call("GET", path).bytes)
        let head = try connection.readResponse(isHead: true)
        let get = try connection.readResponse()
        #expect(head.status == 200)
        #expect(get.status == 200)
        let names = ["Content-Type", "Content-Length"]
        #expect(names.map { head[$0] } == names.map { get[$0] })
        #expect(!get.body.isEmpty)
    }

    @Test func headWhereGetIsNotHasNoBody() throws {
        let connection = try ServerProcess.shared().connect()
        for (path, status) in [(Call.tokensPath, 405), ("/nope", 404)] {
            try connection.send(Call("HEAD", path).bytes + Self.health.bytes)
            #expect(try connection.readResponse(isHead: true).status == status)
            #expect(try connection.readResponse().status == 200)
        }
    }

    @Test(arguments: ["BREW", "get", "Post", "POSTS", "GE", "PROPFIND", "X-Y_Z!"])
    func unknownMethodIsNotImplemented(method: String) throws {
        let server = try ServerProcess.shared()
        for path in ["/healthz", Call.tokensPath] {
            let response = try server.answer(to: Call(method, path))
            try expectErrorBody(response, 501, ["not_implemented"], on: server)
        }
    }
}

@Suite struct AdminTests {
    private func answer(_ call: Call) throws -> HTTPResponse {
        let connection = try HTTPConnection(port: ServerProcess.shared().adminPort)
        try connection.send(call.bytes)
        return try connection.readResponse(isHead: call.method == "HEAD")
    }

    @Test(arguments: ["/livez", "/readyz"])
    func probesAreWell(path: String) throws {
        for method in ["GET", "HEAD"] {
            #expect(try answer(Call(method, path)).status == 200)
        }
        let refused = try answer(Call("POST", path))
        let server = try ServerProcess.shared()
        try expectErrorBody(refused, 405, ["method_not_allowed"], on: server)
        #expect(refused["Allow"]?.contains("GET") == true)
        let options = try answer(Call("OPTIONS", path))
        #expect(options.status == 204)
        #expect(options["Allow"]?.contains("GET") == true)
    }

    /// The API is not offered where only operators look.
    @Test(arguments: ["/", "/nope", "/livez/", "/healthz", "/v1/obie/tokens"])
    func adminListenerHasNothingElse(path: String) throws {
        let server = try ServerProcess.shared()
        for method in ["GET", "POST"] {
            try expectErrorBody(answer(Call(method, path)), 404, ["not_found"], on: server)
        }
    }
}
