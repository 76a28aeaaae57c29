// One event loop's face of the store on disk.

import StoreThreads
import Tokens
import UV

/// Asks the threads of a file, and completes on its loop. Its thread only.
public final class SQLiteStore: TokenStore {
    private let health: StoreHealth
    private let writer: Asker<Job, JobAnswer>
    private let reader: Asker<Question, Answer>
    private let recent: RecentTokens
    private let wakeup: Wakeup
    private let turnEnd: BeforeWait
    private var isClosing = false

    public init(_ file: SQLiteFile, loop: EventLoop) throws(UVError) {
        health = file.health
        recent = file.recent
        let turn = Turn()
        wakeup = try Wakeup(loop) { turn.answersCame?() }
        do throws(UVError) {
            turnEnd = try BeforeWait(loop) { turn.ends?() }
        } catch {
            wakeup.close()
            throw error
        }
        writer = Asker(file.jobs, wakeup.sender, refusal: .failure(.unavailable))
        reader = Asker(file.questions, wakeup.sender, refusal: .failure(.unavailable))
        self.turn = turn
        // Until the handles are closed, which is when nobody waits any more, they keep the face.
        turn.answersCame = { [self] in
            writer.collect()
            reader.collect()
            closeIfIdle()
        }
        turn.ends = { [self] in
            writer.send()
            reader.send()
            closeIfIdle()
        }
    }

    /// What the handles' closures reach: the face exists only after them.
    private final class Turn {
        var answersCame: (() -> Void)?
        var ends: (() -> Void)?
    }
    private let turn: Turn

    public var isAvailable: Bool { health.isGood }

    public func close() {
        isClosing = true
        writer.close()
        reader.close()
        // At the end of the turn, if nobody waits: completions never run in here.
        wakeup.sender.wake()
    }

    /// The loop ends when all have been answered.
    private func closeIfIdle() {
        guard isClosing, writer.isIdle, reader.isIdle else { return }
        wakeup.close()
        turnEnd.close()
        (turn.answersCame, turn.ends) = (nil, nil)
    }

    public func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        writer.ask(.insert(code), completion) { $0.isDone }
    }

    public func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        // One closure, and no other for each kind of answer: this is asked most.
        writer.ask(.redeem(attempt)) { answer in
            switch answer {
            case .success(.redeemed(let outcome)): completion(.success(outcome))
            case .success: preconditionFailure("answers come in the order of asking")
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    public func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        switch recent.look(id, now: now) {
        case .known(let token): completion(.success(token))
        case .unknown(let number):
            reader.ask(.token(id)) { [recent] answer in
                switch answer {
                case .success(.token(let token)):
                    recent.remember(token, id, number: number)
                    completion(.success(token.flatMap { $0.isActive(at: now) ? $0 : nil }))
                case .success: preconditionFailure("each answer belongs to its question")
                case .failure(let error): completion(.failure(error))
                }
            }
        }
    }

    /// What was asked for lately is known.
    public func tokenAtOnce(
        _ id: Identifier, now: Milliseconds
    ) -> Result<AccessToken?, StoreError>? {
        guard case .known(let token) = recent.look(id, now: now) else { return nil }
        return .success(token)
    }

    public func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        writer.ask(.revoke(candidates, of: institutions), completion) { $0.revoked }
    }

    public func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        writer.ask(.revokeConsent(consent, now: now), completion) { $0.isDone }
    }

    public func insert(
        _ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        writer.ask(.insertCCG(token), completion) { $0.isDone }
    }

    public func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        reader.ask(.ccgToken(id), completion) { $0.ccgToken }
    }

    /// Also finds out whether a file that could not be read can be again: while it cannot, few ask. And
    /// whether a file that is damaged can be read at all.
    public func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        // The answer is in the health itself.
        if health.isFailing(.reading) || health.isFailing(.damage) {
            reader.ask(.probe) { _ in }
        }
        writer.ask(.removeExpired(now: now), completion) { $0.nextExpiry }
    }
}
