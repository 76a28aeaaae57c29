// What clients are told where the store fails: each failure in words of its own, under one code.

import Testing
import Tokens

@testable import Server

@Suite struct StoreFaultTests {
    @Test(arguments: [
        (StoreError.unavailable, "did not answer", AuditReason.storeUnavailable),
        (.full, "is full", .storeFull),
        (.outcomeUnknown, "cannot say whether this was done", .storeOutcomeUnknown),
    ])
    func failureOfTheStoreIs503InItsOwnWords(
        error: StoreError, words: String, reason: AuditReason
    ) {
        let fault = Fault(.store(error))
        #expect(fault.code == .storeUnavailable)
        #expect(fault.code.status.code == 503)
        #expect(fault.title.contains(words))
        #expect(fault.title.contains("send the same request again"))
        #expect(AuditReason(.store(error)) == reason)
    }
}
