// What connections remember may share memory, and proves nothing to others.

import HTTP1
import Testing
import Tokens

@testable import Server

@Suite struct SessionTests {
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

    @Test func repeatedHeadIsGoodForItsRegistryOnly() {
        let shared = SharedBytes()
        let good = Array("Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk".utf8)
        let reference = Array("PSDGB-FCA-111111".utf8)
        var session = Session()
        #expect(session.repeatedCaller(.sandbox) == nil)
        let isKnown = session.authenticate(good.span, good.indices, .sandbox, shared)
        let caller = session.caller(
            reference.span, reference.indices, .sandbox, shared)
        #expect(isKnown && caller?.institution != nil)
        #expect(session.repeatedCaller(.sandbox) == nil, "faults may follow")
        session.acceptHead()
        #expect(session.repeatedCaller(.sandbox) == caller)
        #expect(session.repeatedCaller(.empty) == nil)
        session.beginHead()
        #expect(session.repeatedCaller(.sandbox) == nil)
    }
}
