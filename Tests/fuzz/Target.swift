// What can be fuzzed, what was put through, and how a broken promise ends the run.

import Glibc
import Synchronization

/// One part of the server, with what is held true of it for any input.
enum Target: String, CaseIterable {
    case parser, json, basic, proxies, state, connection, tls

    var index: Int { Target.allCases.firstIndex(of: self) ?? 0 }

    func run(_ input: [UInt8]) {
        switch self {
        case .parser: ParserTarget.run(input)
        case .json: JSONTarget.run(input)
        case .basic: BasicTarget.run(input)
        case .proxies: ProxiesTarget.run(input)
        case .state: StateTarget.run(input)
        case .connection: ConnectionTarget.run(input)
        case .tls: TLSTarget.run(input)
        }
    }
}

/// How much was put through since the start.
enum Tally {
    static let target = Atomic(0)
    private static let inputs = Atomic(0)
    private static let bytes = Atomic(0)

    /// Each byte counts once, however often a target feeds it.
    static func add(_ count: Int) {
        inputs.add(1, ordering: .relaxed)
        bytes.add(count, ordering: .relaxed)
    }

    static func report() {
        let name = Target.allCases[target.load(ordering: .relaxed)].rawValue
        write(
            "fuzz: \(name): \(inputs.load(ordering: .relaxed)) inputs, "
                + "\(bytes.load(ordering: .relaxed)) bytes")
    }

    /// With OBIE_FUZZ_SHOW=1, what a connection answers is written to stderr: to look at a finding.
    static let shows = unsafe getenv("OBIE_FUZZ_SHOW") != nil

    static func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
    }
}

/// Ends the process where a promise is broken: libFuzzer then keeps the input. Unlike
/// `precondition` it says which promise, in an optimised build too.
func require(
    _ isTrue: Bool, _ promise: @autoclosure () -> String, file: StaticString = #fileID,
    line: UInt = #line
) {
    if isTrue { return }
    Tally.write("\(file):\(line): broken: \(promise())")
    abort()
}

/// Random numbers that are always the same for the same input (SplitMix64 over FNV-1a), so that a
/// finding can be repeated from its bytes alone.
struct InputRandom {
    private var state: UInt64

    init(_ input: [UInt8]) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in input { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        state = hash
    }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31) % UInt64(bound))
    }

    /// Where portions of `count` bytes end: one cut, or many of some size.
    mutating func portionEnds(_ count: Int) -> [Int] {
        guard count > 1 else { return [count] }
        let longest = [count, 4, 64][below(3)]
        var ends: [Int] = []
        if longest == count {
            ends.append(1 + below(count - 1))
        } else {
            var end = 1 + below(longest)
            while end < count {
                ends.append(end)
                end += 1 + below(longest)
            }
        }
        return ends + [count]
    }
}
