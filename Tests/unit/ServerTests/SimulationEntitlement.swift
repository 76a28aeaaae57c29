// What a simulated client is entitled to. Whatever is written to it is checked when it is written.

@testable import Server

extension SimulatedClient {
    /// It reads, keeps to the times and does not go away.
    private var isEntitled: Bool {
        !habits.neverReads && !habits.stallsSending && !habits.stallsReading
            && habits.resetsAfter == nil && !world.isStopping
    }

    /// The final answers that the script asks for.
    var answersDue: Int {
        let late = script.isCut && !habits.halfCloses
        return script.requests.count + (script.refusal != nil || late ? 1 : 0)
    }

    func noteProgress() { progressAt = world.now }

    /// Bytes are about to be given to the connection.
    func noteTaken(from start: Int) {
        noteProgress()
        activeAt = world.now
        // The first of a request, or of its body: each has its time.
        if start <= endOfAnswered { requestBeganAt = world.now }
        // An empty line is no part of a request yet.
        let end = endOfAnswered
        let isBehindEmptyLine =
            start == end + 2 && script.bytes[end] == UInt8(ascii: "\r")
        // It counts from where nothing else stands before it.
        if isBehindEmptyLine { freeAt = world.now }
        let waited = world.now - max(requestBeganAt, freeAt)
        if handled == responded, !isLastWritten,
            waited > 2 * world.requestTimeout + SimulatedWorld.lateness
        {
            world.fail("a request may take \(waited) ms")
        }
    }

    /// The kernel has taken some of what was queued.
    func noteWritable() {
        noteProgress()
        freeAt = world.now
    }

    private var endOfAnswered: Int { answered == 0 ? 0 : script.requests[answered - 1].end }

    /// The handler has a request. Returns false where it should not.
    func checkHandled(_ number: Int, _ bodyLength: Int, isHead: Bool) -> Bool {
        let index = number - script.firstNumber
        guard index == handled, index == responded, index < script.requests.count, !isLastWritten,
            !socket.isClosed
        else {
            world.fail("request \(index) handled, \(handled) before it")
            return false
        }
        let request = script.requests[index]
        if bodyLength != request.bodyLength || isHead != request.isHead {
            world.fail("request \(index) is not what was sent")
        }
        handled += 1
        return true
    }

    func noteResponded() {
        responded += 1
        noteWritable()
        activeAt = world.now
    }

    /// Everything that is handed to the kernel: whole answers, each the next one.
    func checkWritten(_ bytes: Span<UInt8>, startingAt written: Int) {
        var at = 0
        while at < bytes.count {
            guard let answer = SimulatedAnswer(bytes, at: at) else {
                return world.fail("an answer is cut")
            }
            if isLastWritten { return world.fail("an answer behind the last") }
            at = answer.headEnd
            let expected = answered < script.requests.count ? script.requests[answered] : nil
            if answer.status == 100 {
                guard expected?.expectsContinue == true, continued < answered else {
                    return world.fail("100 unasked for")
                }
                continued = answered
                records.append(Record(end: written + at, continued: answered))
                continue
            }
            if expected?.isHead != true || answer.number == nil { at += answer.contentLength }
            checkFinal(answer)
            records.append(Record(end: written + at, continued: nil))
        }
        if at != bytes.count { world.fail("an answer is cut") }
    }

    private func checkFinal(_ answer: SimulatedAnswer) {
        if let number = answer.number {
            guard number == script.firstNumber + answered, answered < responded else {
                return world.fail("answer \(number - script.firstNumber) at place \(answered)")
            }
            answered += 1
            let closes = script.closesAfterLast && answered == script.requests.count
            if answer.closes != (closes || world.isStopping) {
                world.fail("answer \(answered) says \(answer.closes ? "close" : "keep-alive")")
            }
        } else {
            checkError(answer)
        }
        guard answer.closes else { return }
        isLastWritten = true
        lastWrittenAt = world.now
        takenAtLast = socket.taken
    }

    private func checkError(_ answer: SimulatedAnswer) {
        if !answer.closes { world.fail("an error of the protocol keeps the connection") }
        if answer.status == 408 {
            let waited = world.now - requestBeganAt
            if waited < world.requestTimeout || answered < script.requests.count && isEntitled {
                world.fail("408 after \(waited) ms")
            }
            if world.now - progressAt > world.requestTimeout + SimulatedWorld.lateness {
                world.fail("408 too late")
            }
        } else if answer.status != script.refusal || answered != script.requests.count {
            world.fail("\(answer.status) at place \(answered)")
        }
    }

    /// The server closes the connection.
    func checkClose() {
        let limits = world.limits
        let quiet = world.now - progressAt
        let isOwing = handled > responded
        if isOwing, !socket.isReset, !world.isAborting { world.fail("closed, owing an answer") }
        if !isOwing, quiet > Int(limits.idleTimeoutMilliseconds) + SimulatedWorld.lateness {
            world.fail("closed after \(quiet) ms of silence")
        }
        let lingered = world.now - lastWrittenAt
        // As long as it reads its last answers it has time.
        if isLastWritten, world.now - max(readAt, lastWrittenAt) > world.lingerBound {
            world.fail("lingered \(lingered) ms")
        }
        guard isEntitled, !socket.isReset else { return }
        if socket.isEndGiven {
            if socket.queuedBytes > 0 { world.fail("closed before all was written") }
        } else if isLastWritten {
            isExcused =
                lingered >= Int(limits.lingerTimeoutMilliseconds)
                || socket.taken - takenAtLast > limits.lingerBytesMax
            if !isExcused { world.fail("lingered for \(lingered) ms only") }
        } else if world.now - activeAt < Int(limits.idleTimeoutMilliseconds) {
            world.fail("closed after \(world.now - activeAt) ms of idling")
        }
    }

    /// The world is over.
    func checkEnd() {
        if connection != nil { world.fail("connection \(index) is still in memory") }
        guard isEntitled, !isExcused else { return }
        if answersSeen != answersDue {
            world.fail("\(answersSeen) of \(answersDue) answers came to client \(index)")
        }
    }

    /// After each step.
    func checkMemory() {
        guard let connection else { return }
        let (kept, queued) = (connection.kept.count, socket.queuedBytes)
        if kept > world.keptBound { world.fail("\(kept) bytes are kept") }
        if queued > world.queuedBound { world.fail("\(queued) bytes are queued") }
        let isIdle = handled == responded && socket.taken == endOfAnswered
        if isIdle || isLastWritten, !socket.isClosed, connection.kept.capacity > 0 {
            world.fail("an idle connection keeps \(connection.kept.capacity) bytes")
        }
    }

    /// Behind the last answer its bytes are read and dropped, so that it comes to read that answer.
    func checkLingering() {
        guard isLastWritten, !socket.isClosed else { return }
        let dropped = socket.taken - takenAtLast
        if dropped > world.limits.lingerBytesMax + world.readMax {
            world.fail("\(dropped) bytes were read behind the last answer")
        }
        if !socket.isReading, !socket.isEndGiven, dropped <= world.limits.lingerBytesMax {
            world.fail("the client is not read from behind its last answer")
        }
    }

    /// When the server has stopped and aborts what is left: was there a reason to stay?
    func checkStaying() {
        if handled == responded, socket.taken == endOfAnswered, socket.queuedBytes == 0,
            !isLastWritten
        {
            world.fail("an idle connection stays when the server stops")
        }
    }
}
