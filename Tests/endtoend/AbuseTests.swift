// Bad input must never end the process. Random bytes print their seed.

import Foundation
import Testing

/// SplitMix64, so that a seed repeats a failure.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct AbuseTests {
    static let seed: UInt64 = {
        let given = ProcessInfo.processInfo.environment["OBIE_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("AbuseTests: OBIE_SEED=\(seed)")
        return seed
    }()

    /// Changes a few bytes of good requests; every answer is one of the contract's.
    @Test func mutatedRequestsAreAnswered() throws {
        let server = try ServerProcess.shared()
        var generator = SeededGenerator(state: Self.seed)
        let code = try server.newCode()
        let originals = [
            Call.clientCredentials.bytes, Call.makeCode(["state": #""s""#]).bytes,
            Call.exchange(code).bytes, Call.makeCode().chunkedBytes(), Call("GET", "/errors").bytes,
        ]
        let statuses: Set = [
            200, 201, 204, 400, 401, 403, 404, 405, 408, 413, 414, 417, 431, 501, 505,
        ]
        for round in 0..<1_500 {
            var bytes = originals[round % originals.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes.remove(at: position)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
                case 2: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                default: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            let connection = try server.connect()
            try connection.send(bytes)
            try connection.finishSending()
            let answer = try connection.readUntilClose()
            guard !answer.isEmpty else { continue }
            let line = String(decoding: answer.prefix(12), as: UTF8.self)
            let status = Int(line.suffix(3)) ?? 0
            #expect(
                line.hasPrefix("HTTP/1.1 ") && (statuses.contains(status) || status == 100),
                "seed \(Self.seed), round \(round): \(line)")
        }
        #expect(try server.isServing())
    }

    @Test func randomBytesAreSurvived() throws {
        let server = try ServerProcess.shared()
        var generator = SeededGenerator(state: Self.seed &+ 1)
        for _ in 0..<200 {
            let connection = try server.connect()
            let count = Int.random(in: 1...3_000, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try connection.send(bytes)
            try connection.finishSending()
            _ = try connection.readUntilClose()
        }
        #expect(try server.isServing())
    }

    /// Clients that vanish in the middle of everything.
    @Test func vanishingClientsAreSurvived() throws {
        let server = try ServerProcess.shared()
        let bytes = Call.makeCode().bytes
        for position in 0..<bytes.count {
            let connection = try server.connect()
            try connection.send(bytes[..<position])
        }
        for _ in 0..<50 {
            let connection = try server.connect()
            try connection.send((0..<50).flatMap { _ in Call("GET", "/errors").bytes })
        }
        #expect(try server.isServing())
    }

    @Test func manyOpenConnectionsAreServed() throws {
        let server = try ServerProcess.shared()
        let connections = try (0..<300).map { _ in try server.connect() }
        for connection in connections { try connection.send(Call.clientCredentials.bytes) }
        for connection in connections { try expectToken(connection.readResponse()) }
        #expect(try server.isServing())
    }
}
