// What every store does with tokens that are bound to a certificate.

import Tokens

extension StoreContract {
    static var holderRules: [(name: String, run: (StoreContract) throws -> Void)] {
        [
            ("tokenKeepsItsHolder", { try $0.tokenKeepsItsHolder() }),
            ("holdersOfManyAtOnceStayApart", { try $0.holdersOfManyAtOnceStayApart() }),
            ("certificateWithoutTheRoleSpendsNothing", { try $0.certificateIsJudged() }),
        ]
    }

    func holder(_ number: UInt8) throws -> Thumbprint {
        guard let holder = Thumbprint((0..<32).map { number &+ $0 }) else {
            throw ContractViolation("32 bytes are a thumbprint")
        }
        return holder
    }

    private func tokenKeepsItsHolder() throws {
        let store = try makeStore()
        for number in [1, 2, 3] as [UInt64] {
            let code = code(number, at: start)
            try answer { store.insert(code, completion: $0) }
            let held = number == 2 ? nil : try holder(UInt8(number) &* 0x7F)
            let outcome = try redeem(
                store, attempt(code, at: start, token: 1000 + number, isAudited: true, holder: held)
            )
            try check(
                outcome == .redeemed(state: "s", consent: code.consent), "\(number): \(outcome)")
            let found = try token(store, 1000 + number, at: start)
            try check(found != nil, "the token of \(number) is not there")
            try check(found?.holder == held, "\(number) has another holder")
            try check(found?.consent == code.consent, "\(number) has another consent")
        }
        let revoked: AccessToken? = try answer {
            store.revoke([identifier(1001, at: start)], of: [Institution.ID(1)], completion: $0)
        }
        try check(try revoked?.holder == holder(0x7F), "what was revoked has another holder")
    }

    /// They may share a batch.
    private func holdersOfManyAtOnceStayApart() throws {
        let store = try makeStore()
        let codes = (1...9).map { code(UInt64($0), at: start) }
        for code in codes { try answer { store.insert(code, completion: $0) } }
        let holders = try codes.indices.map { $0 % 3 == 0 ? nil : try holder(UInt8($0)) }
        var answered = 0
        for (index, code) in codes.enumerated() {
            let attempt = attempt(
                code, at: start, token: 1000 + UInt64(index), holder: holders[index])
            store.redeem(attempt) { if case .success(.redeemed) = $0 { answered += 1 } }
        }
        for _ in 0..<100_000 where answered < codes.count { wait() }
        for index in codes.indices {
            let found = try token(store, 1000 + UInt64(index), at: start)
            try check(found != nil && found?.holder == holders[index], "\(index): another holder")
        }
    }

    private func certificateIsJudged() throws {
        let (store, code) = try stored()
        for services in [[], .accounts, [.accounts, .fundsConfirmations]] as [Services] {
            let limited = Authorisation.full.certified(services)
            let outcome = try redeem(store, attempt(code, at: start, authorisation: limited))
            try check(
                outcome == .refused(.notAuthorised(.certificate(.payments))),
                "a certificate for \(services.names): \(outcome)")
        }
        let good = try redeem(
            store, attempt(code, at: start, authorisation: Authorisation.full.certified(.payments)))
        try check(good == .redeemed(state: "s"), "the code was spent: \(good)")
    }
}
