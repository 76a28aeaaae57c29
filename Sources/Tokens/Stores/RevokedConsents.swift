// Which consents are revoked, and until when: for a store in memory.

import Synchronization

/// Asked by every exchange, and so at no cost as long as there are none. Any thread.
final class RevokedConsents: Sendable {
    private let moments = Mutex(Moments())
    /// False where there are none.
    private let isUsed = Atomic(false)
    /// No code was issued later.
    private let newestCode = Atomic<Milliseconds>(.min)

    /// To be called with each code before anybody can exchange it: whoever revokes must know of it.
    func expect(_ code: Identifier) {
        // Seldom written, since many are made in one millisecond.
        if newestCode.load(ordering: .relaxed) < code.issuedAt {
            newestCode.max(code.issuedAt, ordering: .releasing)
        }
    }

    /// Revokes what was made until `now`, and every code of before.
    ///
    /// - Parameter count: how many moments are kept at the most.
    /// - Returns: false where there are as many already.
    func revoke(_ consent: ConsentRevocation, now: Milliseconds, atMost count: Int) -> Bool {
        let until = max(now, newestCode.load(ordering: .acquiring))
        return moments.withLock { moments in
            guard moments.count < count else { return false }
            moments.revoke(consent, until: until)
            isUsed.store(true, ordering: .releasing)
            return true
        }
    }

    /// Until when the consent of a code is revoked; nil: it is not, or the code is used.
    func moment(ofConsentOf code: StoredCode<Identifier>) -> Milliseconds? {
        isUsed.load(ordering: .acquiring) ? look(code) : nil
    }

    @inline(never)
    private func look(_ code: StoredCode<Identifier>) -> Milliseconds? {
        guard case .unused(let code) = code else { return nil }
        return moments.withLock { $0.moment(code.consent.id, at: code.institution) }
    }

    /// Whether it came of a code of a consent that was revoked since.
    func cover(_ token: AccessToken) -> Bool {
        guard isUsed.load(ordering: .acquiring) else { return false }
        let until = moments.withLock { $0.moment(token.consent.id, at: token.institution) }
        return until.map { token.codeIssuedAt <= $0 } ?? false
    }

    /// Forgets some of what nobody needs any more. Bounded work.
    ///
    /// - Parameter oldest: no code or token that is left was issued earlier; nil: there is none.
    /// - Returns: whether any is left.
    func removeOutlived(oldest: Milliseconds?, now: Milliseconds) -> Bool {
        let before = ConsentRevocation.outlivedBefore(oldest: oldest, now: now)
        return moments.withLock { moments in
            moments.removeOutlived(before: before)
            if moments.count == 0 { isUsed.store(false, ordering: .releasing) }
            return moments.count > 0
        }
    }
}

/// Each moment as long as it matters. It only rises.
private struct Moments {
    private var moments: [ConsentRevocation: Milliseconds] = [:]
    /// In the order of coming, which is nearly that of the moments.
    private var queue: [(key: ConsentRevocation, until: Milliseconds)] = []
    private var first = 0

    /// What one call of `removeOutlived` looks at.
    static let outlivedMax = 512

    var count: Int { queue.count - first }

    mutating func revoke(_ key: ConsentRevocation, until: Milliseconds) {
        guard until > moments[key] ?? .min else { return }
        moments[key] = until
        queue.append((key, until))
    }

    func moment(_ consentID: String, at institution: Institution.ID) -> Milliseconds? {
        let here = moments[ConsentRevocation(consentID: consentID, institution: institution)]
        let anywhere = moments[ConsentRevocation(consentID: consentID, institution: nil)]
        guard let here, let anywhere else { return here ?? anywhere }
        return max(here, anywhere)
    }

    mutating func removeOutlived(before moment: Milliseconds) {
        for _ in 0..<Moments.outlivedMax {
            guard first < queue.count, queue[first].until < moment else { break }
            let (key, until) = queue[first]
            first += 1
            // Else it has been revoked once more since.
            if moments[key] == until { moments[key] = nil }
        }
        // Amortised: the array is cut once half of it is past.
        if first > 32, first * 2 > queue.count {
            queue.removeFirst(first)
            first = 0
        }
    }
}
