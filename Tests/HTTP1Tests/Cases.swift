// The cases: what is a request, what is refused and why. Section numbers are of RFC 9112 unless
// another is named.

@testable import HTTP1

private func get(
    _ path: String = "/", _ fields: [String] = ["Host=h"], keepsAlive: Bool = true
) -> Observation {
    .request(method: .get, path: path, fields: fields, body: "", keepsAlive: keepsAlive)
}

private func post(_ fields: [String], _ body: String) -> Observation {
    .request(method: .post, path: "/p", fields: ["Host=h"] + fields, body: body, keepsAlive: true)
}

enum Cases {
    static let accepted: [Case] = [
        Case("the smallest request", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", get()),
        Case("one empty line before it (§2.2)", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", get()),
        Case(
            "a query is no part of the path", "GET /a?b=/c HTTP/1.1\r\nHost: h\r\n\r\n", get("/a")),
        Case(
            "percent escapes are left alone", "GET /%2e%2F HTTP/1.1\r\nHost: h\r\n\r\n",
            get("/%2e%2F")),
        Case(
            "absolute-form (§3.2.2)", "GET http://e:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n", get("/a")),
        Case("absolute-form without a path", "GET HTTPS://e HTTP/1.1\r\nHost: h\r\n\r\n", get("")),
        Case(
            "absolute-form with only a query", "GET http://e?x HTTP/1.1\r\nHost: h\r\n\r\n", get("")
        ),
        Case(
            "asterisk-form (§3.2.4)", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
            .request(method: .options, path: "*", fields: ["Host=h"], body: "", keepsAlive: true)),
        Case("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", get("/", ["Host="])),
        Case(
            "a Host with port", "GET / HTTP/1.1\r\nHost: a-b.c:8080\r\n\r\n",
            get("/", ["Host=a-b.c:8080"])),
        Case(
            "an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", get("/", ["Host=[::1]:80"])),
        Case(
            "underscores in names, blanks around values (§5.1)",
            "GET / HTTP/1.1\r\nHost:h\r\nfi_reference_id: \t a b \t \r\nx:\r\n\r\n",
            get("/", ["Host=h", "fi_reference_id=a b", "x="])),
        Case(
            "obs-text in a value", "GET / HTTP/1.1\r\nHost: h\r\nx: é\r\n\r\n",
            get("/", ["Host=h", "x=é"])),
        Case("HTTP/1.0 ends (§9.3)", "GET / HTTP/1.0\r\n\r\n", get("/", [], keepsAlive: false)),
        Case(
            "HTTP/1.0 stays where asked", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            get("/", ["Connection=Keep-Alive"])),
        Case("a later minor version is 1.1", "GET / HTTP/1.7\r\nHost: h\r\n\r\n", get()),
        Case(
            "Connection: close among others",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: a, ,Close\r\n\r\n",
            get("/", ["Host=h", "Connection=a, ,Close"], keepsAlive: false)),
        Case(
            "close wins over keep-alive, in any order",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
            get("/", ["Host=h", "Connection=close", "Connection=keep-alive"], keepsAlive: false)),
        Case(
            "Content-Length (§6.2)", "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
            post(["Content-Length=3"], "abc")),
        Case(
            "leading zeros in Content-Length",
            "POST /p HTTP/1.1\r\nHost: h\r\ncontent-length: 0003\r\n\r\nabc",
            post(["content-length=0003"], "abc")),
        Case(
            "chunked (§7.1)",
            "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
                + "3;a=\"b\"\r\nabc\r\n00A \t;x\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n",
            post(["Transfer-Encoding=CHUNKED"], "abc0123456789")),
        Case(
            "an empty chunked body",
            "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            post(["Transfer-Encoding=chunked"], "")),
        Case(
            "Expect without a body", "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n",
            post(["Expect=100-Continue"], "")),
    ]

    private static func malformed(_ name: String, _ input: String, _ rule: Malformation) -> Case {
        Case(name, input, .refused(.malformed(rule)))
    }

    private static func field(_ name: String, _ lines: String, _ rule: Malformation) -> Case {
        malformed(name, "GET / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n\r\n", rule)
    }

    static let malformedHeads: [Case] = [
        malformed(
            "two empty lines before it", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed("a bare LF before it", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed(
            "two spaces in the request line", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed("a tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed("no version", "GET /\r\nHost: h\r\n\r\n", .requestLine),
        malformed("a space at the line's end", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .requestLine),
        malformed("a lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed("a version of two digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", .requestLine),
        malformed("a bare LF behind the version", "GET / HTTP/1.1\nHost: h\r\n\r\n", .bareLineFeed),
        malformed(
            "a CR without LF behind the version", "GET / HTTP/1.1\rHost: h\r\n\r\n",
            .bareCarriageReturn),
        malformed("a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed("non-ASCII in the target", "GET /é HTTP/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed("a NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", .requestLine),
        malformed("a target without a slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", .target),
        malformed("an asterisk with GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", .target),
        malformed("another scheme", "GET ftp://e/ HTTP/1.1\r\nHost: h\r\n\r\n", .target),
        malformed(
            "user information in the target", "GET http://u@e/ HTTP/1.1\r\nHost: h\r\n\r\n", .target
        ),
        field("a space before the colon (§5.1)", "a : b", .fieldName),
        field("no colon", "ab", .fieldName),
        field("an empty name", ": b", .fieldName),
        field("a non-ASCII name", "é: b", .fieldName),
        field("obs-fold (§5.2)", "a: b\r\n c", .lineFolding),
        malformed(
            "a blank before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", .lineFolding),
        field("a NUL in a value", "a: b\0c", .fieldValue),
        field("an escape in a value", "a: b\u{1B}c", .fieldValue),
        field("a DEL in a value", "a: b\u{7F}c", .fieldValue),
        field("a bare LF in a value", "a: b\nc: d", .bareLineFeed),
        field("a bare CR in a value", "a: b\rc", .bareCarriageReturn),
        malformed("a bare LF as empty line", "GET / HTTP/1.1\r\nHost: h\r\n\nX", .bareLineFeed),
        malformed(
            "a bare CR as empty line", "GET / HTTP/1.1\r\nHost: h\r\n\rX", .bareCarriageReturn),
        malformed("no Host (§3.2)", "GET / HTTP/1.1\r\n\r\n", .host),
        malformed("two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", .host),
        malformed("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nhost: h\r\n\r\n", .host),
        malformed("a path in Host", "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n", .host),
        malformed("a space in Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .host),
        malformed("a port of letters", "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", .host),
        malformed("an open bracket in Host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .host),
        field("a sign in Content-Length", "Content-Length: +3", .contentLength),
        field("a negative Content-Length", "Content-Length: -3", .contentLength),
        field("an empty Content-Length", "Content-Length:", .contentLength),
        field("a hexadecimal Content-Length", "Content-Length: 0x3", .contentLength),
        field("a list in Content-Length", "Content-Length: 3, 3", .contentLength),
        field(
            "two Content-Lengths (§6.3)", "Content-Length: 3\r\nContent-Length: 4", .contentLength),
        field(
            "two equal Content-Lengths", "Content-Length: 3\r\nContent-Length: 3", .contentLength),
        field(
            "both lengths (§6.3)", "Content-Length: 3\r\nTransfer-Encoding: chunked",
            .transferEncoding),
        field(
            "both lengths, the other way", "Transfer-Encoding: chunked\r\nContent-Length: 3",
            .transferEncoding),
        field("chunked not last (§6.1)", "Transfer-Encoding: chunked, gzip", .transferEncoding),
        field("chunked twice", "Transfer-Encoding: chunked, chunked", .transferEncoding),
        field(
            "chunked in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            .transferEncoding),
        field("no coding at all", "Transfer-Encoding:", .transferEncoding),
        field("an unknown coding alone", "Transfer-Encoding: identity", .transferEncoding),
        field("chunked with a control", "Transfer-Encoding: \u{B}chunked", .fieldValue),
        malformed(
            "chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            .transferEncoding),
    ]

    private static func chunks(_ name: String, _ body: String, _ rule: Malformation) -> Case {
        malformed(
            name, "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\(body)", rule)
    }

    static let malformedBodies: [Case] = [
        chunks("no chunk size", "\r\nabc", .chunk),
        chunks("a chunk size that is no number", "g\r\n", .chunk),
        chunks("a prefix of hexadecimal", "0x3\r\nabc\r\n0\r\n\r\n", .chunk),
        chunks("a blank before the size", " 3\r\nabc\r\n0\r\n\r\n", .chunk),
        chunks("a blank behind the size", "3 \r\nabc\r\n0\r\n\r\n", .chunk),
        chunks("a bare LF behind the size", "3\nabc\r\n0\r\n\r\n", .chunk),
        chunks("a bare CR behind the size", "3\rabc\r\n0\r\n\r\n", .chunk),
        chunks("a control in an extension", "3;\u{1}\r\nabc\r\n0\r\n\r\n", .chunk),
        chunks("a bare LF in an extension", "3;a\nabc\r\n0\r\n\r\n", .chunk),
        chunks("more data than the size", "3\r\nabcd\r\n0\r\n\r\n", .chunk),
        chunks("a bare LF behind the data", "3\r\nabc\n0\r\n\r\n", .chunk),
        chunks("a CR and another byte behind the data", "3\r\nabc\rX0\r\n\r\n", .chunk),
        chunks("a trailer without a colon", "0\r\nab\r\n\r\n", .trailer),
        chunks("a folded trailer", "0\r\na: b\r\n c\r\n\r\n", .trailer),
        chunks("a bare LF in the trailer", "0\r\na: b\n\r\n", .trailer),
        chunks("a bare LF at the end", "0\r\n\n", .trailer),
    ]

    static let refusedOtherwise: [Case] = [
        Case(
            "the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .refused(.versionUnsupported)),
        Case("HTTP/0.9 by name", "GET / HTTP/0.9\r\n\r\n", .refused(.versionUnsupported)),
        Case("an unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", .refused(.methodUnknown)),
        Case(
            "methods are case-sensitive", "get / HTTP/1.1\r\nHost: h\r\n\r\n",
            .refused(.methodUnknown)),
        Case("CONNECT", "CONNECT e:80 HTTP/1.1\r\nHost: h\r\n\r\n", .refused(.methodUnknown)),
        Case(
            "another expectation", "POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n",
            .refused(.expectationFailed)),
        Case(
            "another coding before chunked",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            .refused(.codingUnknown)),
        Case(
            "a declared body above the limit",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", .refused(.bodyTooLarge)),
        Case(
            "a length beyond any integer",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            .refused(.bodyTooLarge)),
        Case(
            "a chunk above the limit",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n",
            .refused(.bodyTooLarge)),
        Case(
            "a chunk size beyond any integer",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            .refused(.bodyTooLarge)),
    ]

    static let refused = malformedHeads + malformedBodies + refusedOtherwise
}
