// Who answers the requests on a stage: the real routes over a store that may wait or fail, or an
// echo; and, around either, one who counts.

import HTTP1
import Tokens

@testable import Server

/// Sees that requests come one at a time and get one answer each.
final class CountedHandler: RequestHandler {
    private let inner: any RequestHandler
    /// For each request handled: whether its answer has no content.
    private(set) var isHead: [Bool] = []
    private(set) var answered = 0
    var isOwed: Bool { answered < isHead.count }

    init(_ inner: any RequestHandler) {
        self.inner = inner
    }

    func handle(_ request: Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        require(!isOwed, "a request waits for the answer to the one before")
        isHead.append(request.method == .head)
        inner.handle(request, bytes, OnceResponder(self, responder))
    }

    private final class OnceResponder: Responder {
        private let counter: CountedHandler
        private let inner: any Responder
        private let number: Int

        init(_ counter: CountedHandler, _ inner: any Responder) {
            self.counter = counter
            self.inner = inner
            number = counter.isHead.count
        }

        func respond(_ response: Response) {
            count()
            inner.respond(response)
        }

        func routed(to route: Route) { inner.routed(to: route) }
        var session: Session { inner.session }
        var notes: RequestNotes? { inner.notes }
        var peerAddress: [UInt8] { inner.peerAddress }

        private func count() {
            require(counter.answered + 1 == number, "a request is answered once, in its turn")
            counter.answered += 1
        }
    }
}

/// Answers each request with its number.
final class EchoHandler: RequestHandler {
    private let answers: Answers
    private var count = 0

    init(_ answers: Answers) {
        self.answers = answers
    }

    func handle(_ request: Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        count += 1
        var content = Array("\(count) ".utf8)
        content.append(bytes, request.path)
        answers.give { [content] in
            responder.respond(.content(content, type: "text/plain", status: .ok))
        }
    }
}

/// The store in memory, asked later, and failing once where it is told to: every other time it has done
/// what it was asked and cannot say so.
final class LateStore: TokenStore {
    private var failures = 0
    private let answers: Answers
    private let settings: IssuerSettings
    // Made when first needed: most inputs never come so far.
    private lazy var store = MemoryStore(
        codeLifetime: settings.codeLifetime, tokenLifetime: settings.tokenLifetime)

    init(_ settings: IssuerSettings, _ answers: Answers) {
        self.settings = settings
        self.answers = answers
    }

    private func later<Value>(
        _ completion: @escaping (Result<Value, StoreError>) -> Void,
        _ ask: @escaping (MemoryStore, @escaping (Result<Value, StoreError>) -> Void) -> Void
    ) {
        answers.give { [self] in
            if answers.failsNext {
                answers.failsNext = false
                failures += 1
                guard failures.isMultiple(of: 2) else { return completion(.failure(.unavailable)) }
                return ask(store) { _ in completion(.failure(.outcomeUnknown)) }
            }
            ask(store, completion)
        }
    }

    func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        later(completion) { $0.insert(code, completion: $1) }
    }

    func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        later(completion) { $0.redeem(attempt, completion: $1) }
    }

    func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        later(completion) { $0.token(id, now: now, completion: $1) }
    }

    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        later(completion) { $0.revoke(candidates, of: institutions, completion: $1) }
    }

    func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        later(completion) { $0.revoke(consent, now: now, completion: $1) }
    }

    func insert(_ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void) {
        later(completion) { $0.insert(token, completion: $1) }
    }

    func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        later(completion) { $0.ccgToken(id, completion: $1) }
    }

    func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        store.removeExpired(now: now, completion: completion)
    }

    var isAvailable: Bool { true }

    /// What waits is answered by whoever holds the answers.
    func close() {}
}
