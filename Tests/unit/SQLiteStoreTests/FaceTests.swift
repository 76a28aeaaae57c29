// Several loops on one file at the same time, and what its page of metrics says meanwhile.

import Foundation
import Metrics
import StoreContract
import Synchronization
import Testing
import Tokens
import UV

@testable import SQLiteStore

@Suite struct FaceTests {
    /// A loop with a face on a thread of its own, which redeems each code once and then closes.
    private static func redeemAll(
        _ codes: [AuthorizationCode], _ rig: Rig, _ thread: Int, _ counts: Counts
    ) throws {
        let loop = try EventLoop()
        let face = try SQLiteStore(try #require(rig.file), loop: loop)
        for (number, code) in codes.enumerated() {
            face.redeem(rig.attempt(code, token: UInt64(thread * 10_000 + number))) { result in
                guard case .success(.redeemed) = result else { return }
                counts.redeemed.withLock { $0[number] += 1 }
            }
            if number % 7 == thread { loop.runOnce() }
        }
        // Whatever is under way is answered all the same.
        face.close()
        loop.run()
    }

    private final class Counts: Sendable {
        let redeemed: Mutex<[Int]>
        init(_ count: Int) { redeemed = Mutex(Array(repeating: 0, count: count)) }
    }

    @Test func eachCodeIsRedeemedOnceByTwoLoops() throws {
        let rig = try Rig()
        let codes = (0..<500).map { rig.code(UInt64($0)) }
        for code in codes { rig.store?.insert(code) { _ in } }
        _ = try rig.expire()
        let counts = Counts(codes.count)
        let threads = try (0..<2).map { thread in
            try Worker(owning: (codes, rig), named: "test") { codes, rig in
                do {
                    try FaceTests.redeemAll(codes, rig, thread, counts)
                } catch { Issue.record(error) }
            }
        }
        for thread in threads { thread.join() }
        counts.redeemed.withLock { #expect($0 == Array(repeating: 1, count: codes.count)) }
    }

    /// Every sample of a counter or histogram on the page, by its name and labels.
    private func counters(_ file: SQLiteFile) -> [String: Double] {
        var text = MetricsText()
        file.appendMetrics(to: &text)
        var gauges: Set<String> = []
        var samples: [String: Double] = [:]
        for line in String(decoding: text.bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.starts(with: ["#", "TYPE"]), words[3] == "gauge" { gauges.insert(words[2]) }
            guard words[0] != "#", let value = words.last.flatMap(Double.init) else { continue }
            let family = words[0].prefix { $0 != "{" }
            if !gauges.contains(String(family)) { samples[words[0]] = value }
        }
        return samples
    }

    @Test func countersNeverFall() throws {
        let rig = try Rig()
        let file = try #require(rig.file)
        var before = counters(file)
        #expect(before.count > 40)
        let first = before
        let blocker = try Database(path: rig.path, .readWrite)
        try blocker.execute("PRAGMA busy_timeout = 5000")
        for round in 0..<300 {
            if round % 50 == 10 { try blocker.execute("BEGIN IMMEDIATE") }
            if round % 50 == 20 { try blocker.execute("ROLLBACK") }
            for number in 0..<20 {
                rig.store?.insert(rig.code(UInt64(round * 20 + number))) { _ in }
            }
            rig.wait()
            let now = counters(file)
            for (name, value) in before { #expect(now[name] ?? -1 >= value, "\(name) fell") }
            before = now
        }
        for name in [
            "obie_tokens_store_batch_size_count", "obie_tokens_store_failed_batches_total",
            "obie_tokens_store_commit_duration_seconds_count",
        ] { #expect(try #require(before[name]) > (try #require(first[name])), "\(name)") }
    }
}
