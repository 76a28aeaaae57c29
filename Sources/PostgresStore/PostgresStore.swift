// One event loop's face of the store in a database.

import StoreThreads
import Tokens
import UV

/// Asks the store's thread, and completes on its loop. Its thread only.
final class PostgresStore: TokenStore {
    private let health: StoreHealth
    private let changes: Asker<Change, ChangeAnswer>
    private let questions: Asker<Question, QuestionAnswer>
    private let chores: Asker<Chore, ChoreAnswer>
    private let wakeup: Wakeup
    private let turnEnd: BeforeWait
    private var isClosing = false

    init(_ database: PostgresDatabase, _ loop: EventLoop) throws(UVError) {
        health = database.health
        let turn = Turn()
        wakeup = try Wakeup(loop) { turn.answersCame?() }
        do throws(UVError) {
            turnEnd = try BeforeWait(loop) { turn.ends?() }
        } catch {
            wakeup.close()
            throw error
        }
        let queues = database.queues
        changes = Asker(queues.changes, wakeup.sender, refusal: .failure(.unavailable))
        questions = Asker(queues.questions, wakeup.sender, refusal: .failure(.unavailable))
        chores = Asker(queues.chores, wakeup.sender, refusal: .failure(.unavailable))
        self.turn = turn
        // Until the handles are closed, which is when nobody waits any more, they keep the face.
        turn.answersCame = { [self] in
            changes.collect()
            questions.collect()
            chores.collect()
            closeIfIdle()
        }
        turn.ends = { [self] in
            changes.send()
            questions.send()
            chores.send()
            closeIfIdle()
        }
    }

    /// What the handles' closures reach: the face exists only after them.
    private final class Turn {
        var answersCame: (() -> Void)?
        var ends: (() -> Void)?
    }
    private let turn: Turn

    var isAvailable: Bool { health.isGood }

    func close() {
        isClosing = true
        changes.close()
        questions.close()
        chores.close()
        // At the end of the turn, if nobody waits: completions never run in here.
        wakeup.sender.wake()
    }

    /// The loop ends when all have been answered.
    private func closeIfIdle() {
        guard isClosing, changes.isIdle, questions.isIdle, chores.isIdle else { return }
        wakeup.close()
        turnEnd.close()
        (turn.answersCame, turn.ends) = (nil, nil)
    }

    func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        changes.ask(.insert(code), completion) { $0.isDone }
    }

    func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        // One closure, and no other for each kind of answer: this is asked most.
        changes.ask(.redeem(attempt)) { answer in
            switch answer {
            case .success(.redeemed(let outcome)): completion(.success(outcome))
            case .success: preconditionFailure("each answer belongs to its question")
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        questions.ask(.token(id, now: now), completion) { $0.token }
    }

    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        changes.ask(.revoke(candidates, of: institutions), completion) { $0.revoked }
    }

    func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        changes.ask(.revokeConsent(consent, now: now), completion) { $0.isDone }
    }

    func insert(
        _ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        changes.ask(.insertCCG(token), completion) { $0.isDone }
    }

    func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        questions.ask(.ccgToken(id), completion) { $0.ccgToken }
    }

    func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        chores.ask(Chore(now: now), completion) { .some($0) }
    }
}
