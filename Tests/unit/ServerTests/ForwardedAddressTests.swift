// Whose address counts behind proxies: the networks that are trusted, and the two header fields.

import Bytes
import HTTP1
import Testing

@testable import Server

@Suite struct ForwardedAddressTests {
    static func proxies(_ text: String) -> TrustedProxies {
        guard let proxies = try? TrustedProxies(text) else { preconditionFailure(text) }
        return proxies
    }

    private static func bytes(_ text: String) -> [UInt8] {
        AddressText.bytes(Array(text.utf8).span) ?? []
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false), ("192.0.2.0/31", "192.0.2.1", true),
        ("192.0.2.0/31", "192.0.2.2", false), ("172.16.0.0/12", "172.31.255.255", true),
        ("172.16.0.0/12", "172.32.0.0", false), ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "::1", false), ("::/0", "8.8.8.8", false), ("::/0", "::1", true),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("::1", "::1", true), ("::1", "::2", false), ("::ffff:10.0.0.0/104", "10.1.1.1", true),
        ("::ffff:10.0.0.1", "10.0.0.1", true), ("10.0.0.0/8, 192.168.0.0/16", "192.168.1.1", true),
        ("192.0.2.1/32,::1/128", "::1", true),
    ])
    func networkContainsItsAddresses(networks: String, address: String, isInside: Bool) {
        #expect(Self.proxies(networks).contains(Self.bytes(address)) == isInside)
        #expect(!Self.proxies(networks).contains([]), "who has gone is nobody")
        #expect(!TrustedProxies.none.contains(Self.bytes(address)))
    }

    @Test(arguments: [
        "", ",", "10.0.0.0/8,", "10.0.0.0/33", "10.0.0.0/", "/8", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/8/8", "10.0.0/8", "::/129", "::1/0x10", "::ffff:10.0.0.0/95", "proxy.example",
        "10.0.0.1:8080", "10.0.0.0/0008", "10.0.0.0 /8",
    ])
    func anythingElseIsNoNetwork(text: String) {
        #expect(throws: TrustedProxies.Malformed.self) { try TrustedProxies(text) }
    }

    @Test(arguments: [
        ("10.0.0.1/8", "10.0.0.0/8", "10.0.0.1"), ("192.0.2.1/31", "192.0.2.0/31", "192.0.2.1"),
        ("10.255.255.255/9", "10.128.0.0/9", "10.255.255.255"),
        ("0.0.0.1/0", "0.0.0.0/0", "0.0.0.1"), ("2001:DB8::1/32", "2001:db8::/32", "2001:db8::1"),
        ("2001:db8:ffff::/33", "2001:db8:8000::/33", "2001:db8:ffff::"),
        ("::1/127", "::/127", "::1"), ("::ffff:10.0.0.1/104", "10.0.0.0/8", "10.0.0.1"),
    ])
    func addressWithinANetworkIsRefusedWithWhatItMayMean(
        text: String, network: String, address: String
    ) {
        do throws(TrustedProxies.Malformed) {
            _ = try TrustedProxies("192.0.2.1,\(text)")
            Issue.record("\(text) is taken")
        } catch {
            #expect(
                error.description
                    == "'\(text)' is an address within a network; write \(network) for the whole network, or "
                    + "\(address) for that address alone")
        }
        #expect(Self.proxies("\(network),\(address)").contains(Self.bytes(address)))
    }

    @Test func networksOfEverybodyAreKnown() {
        let proxies = Self.proxies("10.0.0.0/8, ::/0, 0.0.0.0/0, 0.0.0.0/1, ::1, ::ffff:0.0.0.0/96")
        #expect(proxies.ofEverybody == ["::/0", "0.0.0.0/0", "0.0.0.0/0"])
        #expect(Self.proxies("0.0.0.0/1,::/1").ofEverybody.isEmpty)
        #expect(TrustedProxies.none.ofEverybody.isEmpty)
    }

    /// Found by the server's own reader.
    static func client(
        _ lines: [String], header: TrustedProxies.Header = .xForwardedFor,
        peer: String = "10.0.0.1", trusted: String = "10.0.0.0/8,fd00::/8"
    ) -> String? {
        var proxies = proxies(trusted)
        proxies.header = header
        let text = "GET / HTTP/1.1\r\nHost: x\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        let request = Array(text.utf8)
        var reader = RequestReader()
        var offset = 0
        guard case .request = reader.read(request.span, from: &offset) else { return nil }
        let address = ForwardedAddress.client(
            reader.head.fields, request.span, behind: bytes(peer), proxies)
        return AddressText.text(address)
    }

    @Test(
        arguments: [
            ([], "10.0.0.1"), (["X-Forwarded-For: 192.0.2.7"], "192.0.2.7"),
            (["x-FORWARDED-for:192.0.2.7 \t"], "192.0.2.7"),
            // What the client says stands in front; the last untrusted one counts.
            (["X-Forwarded-For: 1.1.1.1, 192.0.2.7"], "192.0.2.7"),
            (["X-Forwarded-For: 1.1.1.1, 192.0.2.7, 10.0.0.2,10.0.0.3"], "192.0.2.7"),
            (["X-Forwarded-For: 10.9.9.9, 192.0.2.7"], "192.0.2.7"),
            (["X-Forwarded-For: 10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // Several lines are one list (RFC 9110 §5.3).
            (["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
            (["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 10.0.0.2"], "192.0.2.7"),
            (["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For:"], "192.0.2.7"),
            (["X-Forwarded-For: , ,192.0.2.7,, "], "192.0.2.7"),
            (["X-Forwarded-For: ,"], "10.0.0.1"),
            // With a port, as some balancers write it.
            (["X-Forwarded-For: 192.0.2.7:4711"], "192.0.2.7"),
            (["X-Forwarded-For: [2001:db8::1]:4711"], "2001:db8::1"),
            (["X-Forwarded-For: 2001:db8::1"], "2001:db8::1"),
            (["X-Forwarded-For: ::ffff:192.0.2.7"], "192.0.2.7"),
            (["X-Forwarded-For: 192.0.2.7, ::ffff:10.0.0.2, fd00::2"], "192.0.2.7"),
            // Who is not said is not guessed.
            (["X-Forwarded-For: unknown"], "10.0.0.1"),
            (["X-Forwarded-For: 192.0.2.7, unknown"], "10.0.0.1"),
            (["X-Forwarded-For: 192.0.2.7, unknown, 10.0.0.2"], "10.0.0.2"),
            (["X-Forwarded-For: 192.0.2.7, 10.0.0.256"], "10.0.0.1"),
            (["X-Forwarded-For: 192.0.2.7:99999999"], "10.0.0.1"),
            (["X-Forwarded-For: [192.0.2.7]"], "10.0.0.1"),
            (["X-Forwarded-For: \"192.0.2.7\""], "10.0.0.1"),
            (["X-Forwarded-Fo: 192.0.2.7", "X-Forwarded-Forr: 192.0.2.7"], "10.0.0.1"),
        ] as [([String], String)])
    func plainListIsReadFromItsEnd(lines: [String], expected: String) {
        #expect(Self.client(lines) == expected)
    }

    @Test(
        arguments: [
            (["Forwarded: for=192.0.2.7"], "192.0.2.7"),
            (["Forwarded: FOR=192.0.2.7;proto=https;by=10.0.0.1"], "192.0.2.7"),
            (["Forwarded: by=10.0.0.1 ; for=\"192.0.2.7:4711\" "], "192.0.2.7"),
            (["Forwarded: for=\"[2001:db8::1]\""], "2001:db8::1"),
            (["Forwarded: for=\"[2001:db8::1]:4711\";host=x"], "2001:db8::1"),
            (["Forwarded: for=[2001:db8::1]:4711"], "2001:db8::1"),
            (["Forwarded: for=\"\\1\\92.0.2.7:_port\""], "192.0.2.7"),
            (["Forwarded: for=1.1.1.1, for=192.0.2.7, for=10.0.0.2"], "192.0.2.7"),
            (["Forwarded: for=1.1.1.1", "Forwarded: for=192.0.2.7,for=10.0.0.2"], "192.0.2.7"),
            (["Forwarded: for=192.0.2.7;ext=\"a,b;c=\\\"d\", for=10.0.0.2"], "192.0.2.7"),
            (["Forwarded: , for=192.0.2.7 ,;,"], "192.0.2.7"), (["Forwarded: ,;"], "10.0.0.1"),
            (["Forwarded: for=192.0.2.7, for=unknown"], "10.0.0.1"),
            (["Forwarded: for=192.0.2.7, for=_hidden, for=10.0.0.2"], "10.0.0.2"),
            (["Forwarded: for=192.0.2.7, proto=https"], "10.0.0.1"),
            // A broken line says nothing, and what is behind it still counts.
            (["Forwarded: for=\"192.0.2.7"], "10.0.0.1"),
            (["Forwarded: for=\"192.0.2.7\\"], "10.0.0.1"), (["Forwarded: for="], "10.0.0.1"),
            (["Forwarded: for=192.0.2.7;for=192.0.2.7"], "10.0.0.1"),
            (["Forwarded: for = 192.0.2.7"], "10.0.0.1"), (["Forwarded: =192.0.2.7"], "10.0.0.1"),
            (["Forwarded: 192.0.2.7"], "10.0.0.1"), (["Forwarded: for=192.0.2.7 x"], "10.0.0.1"),
            (["Forwarded: for=\"broken", "Forwarded: for=192.0.2.7"], "192.0.2.7"),
            (["Forwarded: for=\"broken", "Forwarded: for=10.0.0.2"], "10.0.0.2"),
            // Where a proxy has put its own behind the client's, in one line, all of it says nothing.
            (["Forwarded: for=\", for=192.0.2.7"], "10.0.0.1"),
            (["Forwarded: for=\"1.1.1.1, for=192.0.2.7"], "10.0.0.1"),
            (["Forwarded: for=1.1.1.1\", for=192.0.2.7"], "10.0.0.1"),
            (["Forwarded: for=1.1.1.1, for=\"x, for=\"[2001:db8::1]\""], "10.0.0.1"),
            (["Forwarded: for=\"1.1.1.1;x=, for=\"[2001:db8::1]\";proto=http"], "10.0.0.1"),
            (["Forwarded: for=\"1.1.1.1\\\", for=\"192.0.2.7\""], "10.0.0.1"),
            (["Forwarded: for=1.1.1.1", "Forwarded: for=\"x, for=192.0.2.7"], "10.0.0.1"),
        ] as [([String], String)])
    func standardFieldIsReadFromItsEnd(lines: [String], expected: String) {
        #expect(Self.client(lines, header: .forwarded) == expected)
    }

    /// The other one may be the client's own: it can neither choose an address nor hide one.
    @Test(
        arguments: [
            ["X-Forwarded-For: 192.0.2.7", "Forwarded: for=1.1.1.1"],
            ["Forwarded: for=192.0.2.7", "X-Forwarded-For: 1.1.1.1"],
            ["X-Forwarded-For: 192.0.2.7", "Forwarded: for=\"broken"],
            ["Forwarded: for=192.0.2.7", "X-Forwarded-For: unknown"],
            ["X-Forwarded-For: 192.0.2.7", "Forwarded: x", "Forwarded:"],
        ])
    func onlyTheHeaderOfTheProxiesIsRead(lines: [String]) {
        let isPlain = lines[0].hasPrefix("X")
        let header = isPlain ? TrustedProxies.Header.xForwardedFor : .forwarded
        #expect(Self.client(lines, header: header) == "192.0.2.7")
        #expect(Self.client(lines.reversed(), header: header) == "192.0.2.7")
        // Alone, the other one says nothing.
        #expect(Self.client(Array(lines.dropFirst()), header: header) == "10.0.0.1")
    }

    // MARK: On a connection

    private static func request(_ fields: String) -> String {
        AuditedConnection.post("/v1/obie/tokens", "{}", credentials: "eDp5", extra: fields)
    }

    @Test func auditLogHasTheClientsAddress() throws {
        let rig = AuditedConnection(trustedProxies: Self.proxies("127.0.0.0/8"))
        for (fields, peer) in [
            ("X-Forwarded-For: 192.0.2.7\r\n", [192, 0, 2, 7]), ("", [127, 0, 0, 1]),
            ("Forwarded: for=192.0.2.8\r\n", [127, 0, 0, 1]),
            ("X-Forwarded-For: unknown\r\n", [127, 0, 0, 1]),
        ] as [(String, [UInt8])] {
            #expect(try #require(rig.send(Self.request(fields)).event).peer == peer)
        }
        // A request that breaks off has its own address, too, and not that of the one before.
        let broken = "POST /v1/obie/tokens HTTP/1.1\r\nHost: x\r\n"
        rig.send(Self.request("X-Forwarded-For: 192.0.2.7\r\n"))
        let event = rig.send(
            broken + "X-Forwarded-For: 192.0.2.9\r\nContent-Length: 99999\r\n\r\n"
        ).event
        #expect(event?.peer == [192, 0, 2, 9])
    }

    @Test func requestWithoutAHeadIsThePeers() {
        let rig = AuditedConnection(trustedProxies: Self.proxies("127.0.0.1"))
        rig.send(Self.request("X-Forwarded-For: 192.0.2.7\r\n"))
        #expect(rig.send("nonsense\r\n\r\n").event?.peer == [127, 0, 0, 1])
    }

    @Test func strangersAreNotBelieved() {
        for proxies in [TrustedProxies.none, Self.proxies("10.0.0.0/8")] {
            let rig = AuditedConnection(trustedProxies: proxies)
            for fields in [
                "X-Forwarded-For: 192.0.2.7\r\n", "Forwarded: for=192.0.2.7\r\n",
                "X-Forwarded-For: 10.0.0.1\r\n", "X-Real-IP: 192.0.2.7\r\n",
            ] {
                #expect(rig.send(Self.request(fields)).event?.peer == [127, 0, 0, 1])
            }
        }
    }

    /// Behind a proxy, one attacker makes nobody else's typo a 429, nor hides it from the audit log.
    @Test func attackerUsesUpHisOwnAllowanceOnly() {
        let rig = AuditedConnection(trustedProxies: Self.proxies("127.0.0.1"))
        let other = Self.request("X-Forwarded-For: 198.51.100.9\r\n")
            .replacing("eDp5", with: "eTp5")
        var throttled = 0
        for number in 0..<500 {
            // From anywhere within his network, and whatever he writes in front.
            let forged = "X-Forwarded-For: 198.51.100.9, 2001:db8:1:2::\(number)\r\n"
            let name = ["eDp5", "YTp5", "Yjp5", "Yzp5", "ZDp5", "ZTp5", "Zjp5", "Zzp5"][number % 8]
            let request = Self.request(forged).replacing("eDp5", with: name)
            if rig.send(request).status == 429 { throttled += 1 }
        }
        #expect(throttled >= 400)
        let (status, _, event) = rig.send(other)
        #expect(status == 401)
        #expect(event?.reason == "credentials_wrong" && event?.peer == [198, 51, 100, 9])
    }

    /// A /48 has 65,536 networks of that size. They share an allowance, which no single one of them uses up.
    @Test func siteHasAnAllowanceForAllItsNetworks() {
        let rig = AuditedConnection(trustedProxies: Self.proxies("127.0.0.1"))
        var number = 0
        func fail(_ address: String) -> Int {
            number += 1
            // 256 clients, each with an allowance of its own.
            let digits = Array("ABCDEFGHIJKLMNOP")
            let name = String([digits[number / 16 % 16], digits[number % 16]]) + "E6eQ=="
            let request = Self.request("X-Forwarded-For: \(address)\r\n")
            return rig.send(request.replacing("eDp5", with: name)).status
        }
        func count(_ addresses: [String]) -> [Int: Int] {
            addresses.reduce(into: [:]) { $0[fail($1), default: 0] += 1 }
        }
        #expect(count((0..<300).map { "2001:db8:1::\($0)" }) == [401: 100, 429: 200])
        let neighbours = (1...1000).map { "2001:db8:1:\($0)::1" }
        #expect(count(neighbours) == [401: 900, 429: 100])
        #expect(count(["2001:db8:2::1", "192.0.2.9"]) == [401: 2], "others have their own")
        rig.pass(1000)
        #expect(count(Array(neighbours.prefix(150))) == [401: 100, 429: 50])
    }

    /// And where another client is told to wait, that is not hidden either.
    @Test func refusedCodesOfOneClientLeaveRoomForGuesses() {
        let rig = AuditedConnection()
        for _ in 0..<300 { rig.send(AuditedConnection.exchange("x")) }
        #expect(rig.send(Self.request("")).event?.reason == "credentials_wrong")
    }
}
