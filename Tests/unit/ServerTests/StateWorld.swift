// The least that the state of a connection can live in: a stream, a handler, a client and a clock,
// without a byte. Each byte of a script is one thing that happens; whatever the script, the rules of
// `ConnectionState` hold, or `violation` says which does not.

@testable import Server

final class StateWorld {
    /// What comes from the client; a request comes whole, or as head, end of head and rest, with more
    /// of the same in between.
    enum Piece {
        case request, lastRequest, bad, emptyLine, head, endOfHead(expectsContinue: Bool), more

        /// The request goes on behind it.
        var isPartOfOne: Bool {
            switch self {
            case .request, .lastRequest, .bad: false
            case .emptyLine, .head, .endOfHead, .more: true
            }
        }
    }

    /// Small, so that a few pieces reach each of them.
    enum Bound {
        static let kept = 3, queued = 3, dropped = 3, delivered = 8, piecesPerTurn = 3
    }

    var violation: String?
    /// Things that happened, and events that the state was told of.
    var steps = 0

    // The connection.
    var state: ConnectionState
    let limits: ServerLimits
    var isWorking = false
    var owesAnswer = false
    var kept: [Piece] = []
    var output = 0
    var dropped = 0
    var open = ConnectionState.Part.nothing
    var spentInTurn = 0
    var isTurnAwaited = false
    var deadline = UInt64.max
    var waitBegan: UInt64 = 0
    var idleSince: UInt64 = 0
    var unreadAtWait = 0

    // The stream.
    var isReading = true
    var isStreamClosed = false
    var isGone = false
    var hasFinishedSending = false
    var isEndGiven = false
    var failsNextWrite = false
    var queue = 0
    var inKernel = 0
    let kernelMax: Int

    // The client, the handler and the clock.
    var inbound: [Piece] = []
    var hasClientEnded = false
    var clientPart = ConnectionState.Part.nothing
    var isHeld = false
    var answerSize = 1
    var isLastOwed = false
    var now: UInt64 = 0
    var readAt: UInt64 = 0
    var activeAt: UInt64 = 0
    var partBegan: UInt64 = 0
    var isLastWritten = false

    init(_ first: UInt8) {
        var limits = ServerLimits()
        if first & 1 != 0 { limits.idleTimeoutMilliseconds = 1_000 }
        if first & 2 != 0 { limits.headTimeoutMilliseconds = 30_000 }
        if first & 4 != 0 { limits.bodyTimeoutMilliseconds = 3_000 }
        self.limits = limits
        kernelMax = first & 8 != 0 ? 4 : 1
        isHeld = first & 16 != 0
        state = ConnectionState(isReady: first & 0x60 != 0)
        arm()
    }

    var isOver: Bool { isGone || violation != nil }

    /// Reports the first violation only: the rest may follow from it.
    func check(_ isTrue: Bool, _ rule: @autoclosure () -> String) {
        if !isTrue, violation == nil { violation = "at \(now) ms: \(rule()); \(state)" }
    }
}

// MARK: What happens

extension StateWorld {
    func step(_ byte: UInt8) {
        steps += 1
        let amount = Int(byte >> 4)
        switch byte & 0xF {
        case 0: send([Piece](repeating: .request, count: 1 + amount % 8))
        case 1, 2: sendPart(amount)
        case 3: send([[.bad], [.emptyLine], [.lastRequest], [.request]][amount % 4])
        case 4: if amount % 3 == 0 { hasClientEnded = true }
        case 5, 6: read(1 + amount)
        case 7: pass(Self.times[amount])
        case 8: send([.request])
        case 9: answer()
        case 10: (isHeld, answerSize) = (amount & 1 != 0, [1, 1, 2, 5][amount / 4])
        case 11, 12: turn()
        case 13: serverActs(amount)
        case 14: becomeReady(amount)
        default: finishClosing()
        }
        deliver()
        inspect()
    }

    private static let times: [UInt64] = [
        0, 50, 250, 500, 900, 999, 1_000, 1_999, 2_000, 2_900, 5_000, 9_999, 10_000, 29_999, 30_000,
        60_000,
    ]

    func send(_ pieces: [Piece]) {
        if hasClientEnded || clientPart != .nothing || inbound.count > 32 { return }
        inbound += pieces
    }

    func sendPart(_ amount: Int) {
        if hasClientEnded || inbound.count > 32 { return }
        if clientPart != .nothing, amount > 8 {
            return inbound += [Piece](repeating: .more, count: amount - 8)
        }
        switch clientPart {
        case .nothing: (clientPart, inbound) = (.head, inbound + [.head])
        case .head:
            clientPart = .body
            inbound.append(.endOfHead(expectsContinue: amount % 4 == 0))
        case .body: (clientPart, inbound) = (.nothing, inbound + [.request])
        }
    }

    func read(_ count: Int) {
        let count = min(count, inKernel)
        if count == 0 { return }
        readAt = now
        inKernel -= count
        takeFromQueue()
    }

    /// What the kernel has room for goes out of the queue.
    func takeFromQueue() {
        let moved = min(queue, kernelMax - inKernel)
        if moved == 0 || isStreamClosed { return }
        queue -= moved
        inKernel += moved
        if queue > 0 { return }
        if state.waiting == .unreadAnswers { partBegan = now }
        activeAt = now
        happened(.drained)
    }

    func pass(_ milliseconds: UInt64) {
        // Turns are shorter than any time; only what is due already may come before the next.
        while milliseconds > 0, isTurnAwaited, violation == nil { turn() }
        if milliseconds > 0 { spentInTurn = 0 }
        let end = now + milliseconds
        while deadline <= end, violation == nil {
            now = max(now, deadline)
            deadline = .max
            if isTurnAwaited { partBegan = now }
            let hasProgressed =
                state.waiting == .unreadAnswers && queue + inKernel < unreadAtWait
            happened(.deadlinePassed(hasProgressed: hasProgressed))
        }
        now = end
    }

    func answer() {
        if owesAnswer { respond() }
    }

    func turn() {
        spentInTurn = 0
        guard isTurnAwaited else { return }
        isTurnAwaited = false
        happened(.nextTurnCame)
    }

    func serverActs(_ amount: Int) {
        if isGone { return }
        switch amount {
        case 0..<4: happened(.serverStops(isQuiet: now - idleSince >= limits.quietMilliseconds))
        case 4..<10: happened(.placeNeeded)
        case 10: happened(.aborted)
        case 11: if !isStreamClosed { happened(.failed) }
        default: failsNextWrite = true
        }
    }

    func becomeReady(_ amount: Int) {
        guard state.phase == .handshaking else { return }
        // What the handshake itself writes waits in the same queue.
        if amount > 12 { (queue, inKernel) = (1, kernelMax) } else { happened(.becameReady) }
    }

    func finishClosing() {
        guard isStreamClosed, !isGone else { return }
        isGone = true
        happened(.closed)
    }

    /// What the loop does as long as the stream reads.
    func deliver() {
        guard isReading, !isStreamClosed, state.phase != .handshaking else { return }
        if !inbound.isEmpty {
            let pieces = Array(inbound.prefix(Bound.delivered))
            inbound.removeFirst(pieces.count)
            received(pieces)
        } else if hasClientEnded, !isEndGiven {
            isEndGiven = true
            happened(.peerEnded)
        }
    }

    /// The handler answers; then nobody does anything any more.
    func finish() {
        if state.phase == .handshaking, now % 2 == 0 { happened(.becameReady) }
        let isDelivering = { [self] in isReading && !inbound.isEmpty && !isStreamClosed }
        while owesAnswer || isTurnAwaited || isDelivering(), state.phase != .handshaking {
            answer()
            turn()
            deliver()
            inspect()
        }
        deliver()
        isHeld = false
        var patience = limits.writeTimeoutMilliseconds
        for wait in ConnectionState.Wait.allCases {
            patience += limits.milliseconds(for: wait) ?? 0
        }
        // An answer may still be pending behind each; then the rest is as silent.
        for _ in 0..<2 where violation == nil {
            pass(patience)
            turn()
            answer()
        }
        check(isStreamClosed, "a client that does nothing is closed")
        check(!owesAnswer, "every request is answered")
        finishClosing()
        for byte in [UInt8.max, 0, 1, 11, 13, 0x4D, 0xAD, 9] { step(byte) }
    }
}
