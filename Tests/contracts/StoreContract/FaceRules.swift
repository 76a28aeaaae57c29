// When a store answers, and what becomes of those who wait where a face is closed.

import Tokens

extension StoreContract {
    static var faceRules: [(name: String, run: (StoreContract) throws -> Void)] {
        [
            ("othersAreNeverAnsweredInsideACall", { try $0.othersAreNeverAnsweredInsideACall() }),
            ("closeAnswersWhatIsUnderWay", { try $0.closeAnswersWhatIsUnderWay() }),
            ("closeTellsTheTruth", { try $0.closeTellsTheTruth() }),
            ("closedFaceAnswersAndTheOthersGoOn", { try $0.closedFaceAnswersAndTheOthersGoOn() }),
        ]
    }

    /// Asks a face for one thing of each kind, all about the same code and its token.
    ///
    /// - Parameter ask: is told the kind, and calls what it is given with a completion that takes
    ///   what came of it: nil for success.
    private func askAll(
        _ store: any TokenStore, _ code: AuthorizationCode,
        _ ask: (String, (@escaping (StoreError?) -> Void) -> Void) -> Void
    ) {
        func told<Value>(
            _ tell: @escaping (StoreError?) -> Void
        ) -> (Result<Value, StoreError>) -> Void {
            { result in
                switch result {
                case .success: tell(nil)
                case .failure(let error): tell(error)
                }
            }
        }
        let token = identifier(1000, at: start)
        let ccgToken = CCGToken(
            id: identifier(7, at: start), institution: Institution.ID(3),
            provider: Provider.ID(4), expiresAt: start + 3_600_000)
        ask("insert") { store.insert(code, completion: told($0)) }
        ask("redeem") { store.redeem(attempt(code, at: start), completion: told($0)) }
        ask("token") { store.token(token, now: start, completion: told($0)) }
        ask("revoke") { store.revoke([token], of: [code.institution], completion: told($0)) }
        let consent = ConsentRevocation(consentID: "other", institution: nil)
        ask("revoke consent") { store.revoke(consent, now: start, completion: told($0)) }
        ask("insert CCG") { store.insert(ccgToken, completion: told($0)) }
        ask("ccgToken") { store.ccgToken(ccgToken.id, completion: told($0)) }
        ask("removeExpired") { store.removeExpired(now: start, completion: told($0)) }
    }

    private func othersAreNeverAnsweredInsideACall() throws {
        let faces = try makeFaces()
        var calling: Int?
        var asked = 0
        var answered = 0
        var violations: [String] = []
        func ask(_ kind: String, _ call: (@escaping (StoreError?) -> Void) -> Void) {
            asked += 1
            let number = asked
            let outer = calling
            calling = number
            call { _ in
                answered += 1
                if let calling, calling != number {
                    violations.append("\(kind) was answered inside another call")
                }
            }
            calling = outer
        }
        for round in 0..<20 {
            for face in faces { askAll(face, code(UInt64(round), at: start), ask) }
            // In between, so that answers are there to be given too early.
            for _ in 0..<round { wait() }
        }
        for face in faces {
            calling = 0
            face.close()
            calling = nil
        }
        for _ in 0..<100_000 where answered < asked { wait() }
        try check(violations.isEmpty, violations.joined(separator: ", "))
        try check(answered == asked, "\(answered) of \(asked) were answered")
    }

    /// Each exactly once, whether they had been passed on or not.
    private func closeAnswersWhatIsUnderWay() throws {
        for turns in [0, 1, 3] {
            let faces = try makeFaces()
            var answers: [String: [StoreError?]] = [:]
            askAll(faces[0], code(1, at: start)) { kind, call in
                answers[kind] = []
                call { answers[kind]?.append($0) }
            }
            for _ in 0..<turns { wait() }
            faces[0].close()
            for _ in 0..<100_000 where answers.values.contains(where: \.isEmpty) { wait() }
            for _ in 0..<100 { wait() }
            for (kind, told) in answers {
                try check(told.count == 1, "\(kind) was answered \(told.count) times")
                try check(
                    told.allSatisfy { [nil, .unavailable, .outcomeUnknown].contains($0) },
                    "\(kind) said \(told)")
            }
        }
    }

    /// What was said to be done has been done, and what was said not to be has not.
    private func closeTellsTheTruth() throws {
        let faces = try makeFaces()
        guard faces.count > 1 else { return }
        let code = code(1, at: start)
        try answer { faces[1].insert(code, completion: $0) }
        var results: [Result<RedemptionOutcome, StoreError>] = []
        faces[0].redeem(attempt(code, at: start)) { results.append($0) }
        faces[0].close()
        for _ in 0..<100_000 where results.isEmpty { wait() }
        let again = try redeem(faces[1], attempt(code, at: start, token: 1001))
        switch results.first {
        case .success(let outcome):
            try check(outcome == .redeemed(state: "s"), "the attempt under way said \(outcome)")
            try check(again == .refused(.used), "a redeemed code then said \(again)")
        case .failure(.unavailable):
            try check(again == .redeemed(state: "s"), "a code that is still good said \(again)")
        case .failure(.outcomeUnknown): break
        case .failure(.full), nil: throw ContractViolation("it said \(results)")
        }
    }

    private func closedFaceAnswersAndTheOthersGoOn() throws {
        let faces = try makeFaces()
        faces[0].close()
        for _ in 0..<100 { wait() }
        var answers: [StoreError?] = []
        var asked = 0
        askAll(faces[0], code(1, at: start)) { _, call in
            asked += 1
            call { answers.append($0) }
        }
        for _ in 0..<1000 where answers.count < asked { wait() }
        try check(answers.count == asked, "\(answers.count) of \(asked) were answered")
        try check(
            answers.allSatisfy { [nil, .unavailable].contains($0) }, "a closed face said \(answers)"
        )
        guard faces.count > 1 else { return }
        let code = code(2, at: start)
        try answer { faces[1].insert(code, completion: $0) }
        let outcome = try redeem(faces[1], attempt(code, at: start))
        try check(outcome == .redeemed(state: "s"), "beside a closed face one said \(outcome)")
    }
}
