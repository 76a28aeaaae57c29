// Connections of a loop keep what they were asked in one place, and in one of their own only while they owe
// an answer.

import Testing

@testable import Server

@Suite struct OpenRequestTests {
    private static let (oneID, otherID) = (
        String(repeating: "a", count: 32), String(repeating: "b", count: 32)
    )

    private static func get(_ path: String, _ id: String, _ fields: String = "") -> String {
        Bench.get(path, "X-Request-Id: \(id)\r\n\(fields)")
    }

    /// The store takes its time for one; the other asks something meanwhile, and is answered at once.
    @Test func whatIsOwedIsNobodyElses() {
        let bench = Bench()
        let spare = bench.host.commons.spareRequest
        let transport = FakeTransport()
        let other = Connection(transport, bench.host)
        for _ in 0..<3 {
            (bench.transport.written, transport.written) = ([], [])
            bench.host.fake.isHeld = true
            bench.send(Self.get("a", Self.oneID))
            #expect(bench.connection.openRequest !== spare)
            bench.host.fake.isHeld = false
            let between = Array(
                Self.get("b", Self.otherID, "x-fapi-interaction-id: no\r\n").utf8)
            other.received(between.span)
            #expect(other.openRequest === spare)
            bench.host.fake.held.removeFirst()()
            #expect(bench.connection.openRequest === spare, "it was given back")
            for (text, path, id) in [
                (bench.transport.text, "[/a]", Self.oneID), (transport.text, "[/b]", Self.otherID),
            ] {
                #expect(text.contains(path) && text.contains("X-Request-Id: \(id)"))
            }
        }
    }

    /// The client goes before it is answered.
    @Test func whoHasGoneStillHasItsOwn() {
        let bench = Bench()
        bench.host.fake.isHeld = true
        bench.send(Self.get("a", Self.oneID))
        let kept = bench.connection.openRequest
        bench.connection.failed(.connection(.endOfFile))
        bench.connection.closed()
        #expect(bench.connection.openRequest === kept)
        #expect(kept !== bench.host.commons.spareRequest)
        bench.host.fake.held.removeFirst()()
        #expect(bench.host.answeredAfterClose == 1)
    }

    /// Requests stand behind the one that the store works on.
    @Test func whatIsBehindGetsItsOwnIDs() {
        let bench = Bench()
        bench.host.fake.isHeld = true
        bench.send(Self.get("a", Self.oneID) + Self.get("b", Self.otherID) + Bench.get("c"))
        while !bench.host.fake.held.isEmpty { bench.host.fake.held.removeFirst()() }
        #expect(bench.transport.paths == ["/a", "/b", "/c"])
        let ids = bench.transport.text.components("X-Request-Id: ").dropFirst().map {
            String($0.prefix(32))
        }
        #expect(ids.prefix(2) == [Self.oneID, Self.otherID] && ids.count == 3)
        #expect(bench.connection.openRequest === bench.host.commons.spareRequest)
    }
}
