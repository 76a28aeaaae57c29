// What `Connection` does with its state, without the bytes.

@testable import Server

extension StateWorld {
    func received(_ pieces: [Piece]) {
        switch state.phase {
        case .handshaking, .closed: return
        case .lingering:
            dropped += pieces.count
            if dropped > Bound.dropped { happened(.droppedEnough) }
        case .answering:
            kept += pieces
            if kept.count > Bound.kept { happened(.tooMuchKept) }
            return
        case .reading:
            kept += pieces
            if state.isParsing {
                workOnKept()
            } else if kept.count > Bound.kept {
                happened(.tooMuchKept)
            }
        }
        settle()
    }

    func workOnKept() {
        let pieces = kept
        kept = []
        isWorking = true
        var taken = 0
        while state.isParsing, taken < pieces.count {
            if spentInTurn >= Bound.piecesPerTurn {
                happened(.budgetSpent)
                break
            }
            taken += 1
            spentInTurn += 1
            take(pieces[taken - 1], isBehind: taken < pieces.count)
            stopWhereTooMuchIsQueued()
        }
        isWorking = false
        kept = Array(pieces[taken...])
    }

    func take(_ piece: Piece, isBehind: Bool) {
        switch piece {
        case .request, .lastRequest:
            open = .nothing
            check(!owesAnswer, "a request waits for the answer to the one before")
            happened(.requestRead)
            owesAnswer = true
            isLastOwed = if case .lastRequest = piece { true } else { false }
            if !isHeld { respond() }
        case .bad: refuse()
        case .head: (open, partBegan) = (.head, now)
        case .endOfHead(let expectsContinue):
            (open, partBegan) = (.body, now)
            if expectsContinue {
                output += 1
                happened(.bytesEnded(.body))
            }
        case .emptyLine, .more: break
        }
        if state.isParsing, !isBehind, piece.isPartOfOne {
            happened(.bytesEnded(open))
        }
    }

    func refuse() {
        open = .nothing
        (owesAnswer, isLastOwed) = (true, true)
        happened(.refused)
        respond()
    }

    func respond() {
        owesAnswer = false
        if state.phase == .closed { return }
        let isLast = isLastOwed || state.isStopping
        output += answerSize
        activeAt = now
        happened(.answered(isLast: isLast))
        isLastWritten = isLastWritten || isLast
        if isWorking { return }
        if state.isParsing {
            stopWhereTooMuchIsQueued()
            workOnKept()
        }
        settle()
    }

    func settle() {
        flush()
        if state.phase == .answering, kept.count > Bound.kept { happened(.tooMuchKept) }
        happened(.settled)
    }

    func flush() {
        if output == 0 { return }
        check(!hasFinishedSending, "nothing is written behind the end")
        let count = output
        output = 0
        unreadAtWait += count
        if isStreamClosed { return }
        if failsNextWrite {
            failsNextWrite = false
            return happened(.failed)
        }
        let taken = queue > 0 ? 0 : min(count, kernelMax - inKernel)
        inKernel += taken
        queue += count - taken
    }

    func stopWhereTooMuchIsQueued() {
        flush()
        if state.isParsing, queue > Bound.queued { happened(.tooMuchQueued) }
    }

    func happened(_ event: ConnectionState.Event) {
        steps += 1
        if event == .becameReady { idleSince = now }
        let before = state
        let actions = state.happened(event, isQueueEmpty: queue == 0)
        perform(actions, event, before)
        if !isWorking { arm() }
    }

    func arm() {
        guard let wait = state.nextWait(isQueueEmpty: queue == 0) else { return }
        if wait == .request { idleSince = now }
        if wait == .unreadAnswers { unreadAtWait = queue + inKernel }
        waitBegan = now
        let start = wait == .lastRequest || wait == .lastHandshake ? idleSince : now
        deadline = limits.milliseconds(for: wait).map { start + $0 } ?? .max
    }
}
