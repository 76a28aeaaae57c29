// What connections remember may share memory, and proves nothing to others.

import Testing
import Tokens

@testable import Server

@Suite struct SessionTests {
    /// However many there are, and whatever they look like.
    @Test func bytesComeBackUnchanged() {
        let shared = SharedBytes()
        for number in 0..<2_000 {
            let bytes = Array("header \(number % 700)".utf8)
            #expect(shared.share(bytes) == bytes)
        }
    }

    @Test func anotherConnectionMustProveItself() {
        let shared = SharedBytes()
        let good = Array("Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk".utf8)
        let bad = Array("Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jl".utf8)
        var (first, second) = (Session(), Session())
        let outcomes = [
            first.authenticate(good.span, good.indices, .sandbox, shared),
            second.authenticate(bad.span, bad.indices, .sandbox, shared),
            second.authenticate(good.span, good.indices, .sandbox, shared),
        ]
        #expect(outcomes == [true, false, true])
    }
}
