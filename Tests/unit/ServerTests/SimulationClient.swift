// A simulated client: how it behaves, and what it is entitled to. Whatever is written to it is
// checked when it is written.

import HTTP1

@testable import Server

final class SimulatedClient {
    let index: Int
    let script: SimulatedScript
    private(set) lazy var socket = SimulatedSocket(world, self, capacity: capacity)
    private unowned let world: SimulatedWorld
    weak var connection: Connection?

    // How it behaves.
    private let capacity: Int
    let deliveryMax: Int
    let deliveryDelayMax: Int
    private let pieceMax: Int
    private let pieceDelayMax: Int
    private let readMax: Int
    private let readDelayMax: Int
    /// Requests that it sends without having got the answer to the first of them.
    private let depthMax: Int
    private let halfCloses: Bool
    private let neverReads: Bool
    private let stallsSending: Bool
    private let stallsReading: Bool
    private let resetsAfter: Int?
    private let waitsForContinue: Bool
    /// Once it has all answers.
    private let end: End
    private enum End { case closes, waits, resets }
    private var isSending = false
    private var isReadScheduled = false
    private var isOver = false

    // What has happened.
    private(set) var handled = 0
    /// Answers that the handler has given.
    private(set) var responded = 0
    private var answered = 0
    private var continued = -1
    private var isLastWritten = false
    private var lastWrittenAt = 0
    private var takenAtLast = 0
    private var isExcused = false
    private var requestBeganAt = 0
    private var activeAt = 0
    private var progressAt = 0
    /// Since when neither an answer nor a full queue can have held a request up.
    private var freeAt = 0
    private struct Record {
        let end: Int
        /// The request that it continues; nil: a final answer.
        let continued: Int?
    }
    private var records: [Record] = []
    private var recordsSeen = 0
    private var answersSeen = 0
    private var continuedSeen = -1

    init(_ index: Int, _ world: SimulatedWorld) {
        self.index = index
        self.world = world
        let limits = world.limits
        script = SimulatedScript(
            firstNumber: index * SimulatedWorld.numbersPerClient, limits, &world.random)
        // So slow at most that every request comes in 3 s, and all answers are read in 3 s.
        let patience = 3_000
        func delay(_ size: Int, of total: Int) -> Int {
            min(world.random.pick([0, 0, 3, 50, 300]), patience * (size + 1) / 2 / total)
        }
        let sizes = [1, 5, 40, 500, 70_000]
        // Byte by byte where there are not too many of them.
        let sizeMin = 1 + script.bytes.count / 100
        deliveryMax = min(max(world.random.pick(sizes), sizeMin), world.readMax)
        deliveryDelayMax = delay(deliveryMax, of: script.largestRequest)
        pieceMax = max(world.random.pick(sizes), sizeMin)
        stallsSending = world.random.chance(world.stallPercent)
        let drips = stallsSending && world.random.chance(50)
        pieceDelayMax = drips ? 5_000 : delay(pieceMax, of: script.largestRequest)
        capacity = max(world.random.pick([1, 100, 1_000, 10_000]), world.queuedBound / 100)
        readMax = max(world.random.pick([10, 100, 1_000, 100_000]), world.queuedBound / 50)
        let backlog = world.queuedBound + capacity
        // The kernel takes no more than its room at a time.
        readDelayMax = delay(min(readMax, capacity), of: backlog)
        depthMax = world.random.pick([1, 4, 1_000, 1_000])
        halfCloses = world.random.chance(30)
        neverReads = world.random.chance(5)
        stallsReading = world.random.chance(world.stallPercent)
        resetsAfter = world.random.chance(12) ? world.random.below(4_000) : nil
        waitsForContinue = world.random.chance(60)
        end = [.closes, .closes, .closes, .waits, .resets][world.random.below(5)]
    }

    /// The client connects.
    func start() {
        activeAt = world.now
        progressAt = world.now
        let connection = Connection(socket, world)
        self.connection = connection
        socket.start(connection)
        scheduleSend()
        if let resetsAfter { world.schedule(.reset, self, after: resetsAfter) }
    }

    // MARK: What it does

    /// How far it may send now.
    private var gate: Int {
        let answers = answersSeen
        let last = answers + depthMax - 1
        var gate = last < script.requests.count ? script.requests[last].end : script.bytes.count
        guard waitsForContinue else { return gate }
        var index = answers
        while index < script.requests.count, script.requests[index].headEnd <= gate {
            let request = script.requests[index]
            if request.expectsContinue, continuedSeen < index {
                gate = request.headEnd
                break
            }
            index += 1
        }
        return gate
    }

    private func scheduleSend() {
        guard !isSending, !isOver, socket.sent < gate || socket.sent == script.bytes.count else {
            return
        }
        isSending = true
        let stall = stallsSending && world.random.chance(10) ? world.random.below(80_000) : 0
        world.schedule(.send, self, after: stall + world.random.below(pieceDelayMax + 1))
    }

    func send() {
        isSending = false
        if isOver || socket.isReset { return }
        let left = gate - socket.sent
        if left > 0 {
            socket.send(min(left, 1 + world.random.below(pieceMax)))
            scheduleSend()
        } else if socket.sent == script.bytes.count {
            if halfCloses { finish() } else { endIfSatisfied() }
        }
    }

    func scheduleRead() {
        guard !neverReads, !isReadScheduled, !isOver, socket.inKernel > 0 || socket.isAtEnd else {
            return
        }
        isReadScheduled = true
        let stallMax = world.random.pick([2_000, 5_000, 30_000])
        let stall = stallsReading && world.random.chance(20) ? world.random.below(stallMax) : 0
        world.schedule(.read, self, after: stall + world.random.below(readDelayMax + 1))
    }

    func read() {
        isReadScheduled = false
        if isOver { return }
        if socket.readByClient(1 + world.random.below(readMax)) {
            while recordsSeen < records.count, records[recordsSeen].end <= socket.delivered {
                if let index = records[recordsSeen].continued {
                    continuedSeen = index
                } else {
                    answersSeen += 1
                }
                recordsSeen += 1
            }
            scheduleSend()
            endIfSatisfied()
        }
        if socket.isAtEnd {
            finish()
            isOver = true
        } else {
            scheduleRead()
        }
    }

    func reset() {
        if isOver || socket.isClosed { return }
        isOver = true
        socket.resetByPeer()
    }

    private func finish() {
        if !socket.hasFin { socket.finishSendingFromClient() }
    }

    private func endIfSatisfied() {
        guard answersSeen == answersDue, socket.sent == script.bytes.count else { return }
        switch end {
        case .closes: finish()
        case .waits: return
        case .resets: reset()
        }
    }

    // MARK: What it is entitled to

    /// It reads, keeps to the times and does not go away.
    private var isEntitled: Bool {
        !neverReads && !stallsSending && !stallsReading && resetsAfter == nil && !world.isStopping
    }

    /// The final answers that the script asks for.
    private var answersDue: Int {
        let late = script.isCut && !halfCloses
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
        if isLastWritten, lingered > world.lingerBound { world.fail("lingered \(lingered) ms") }
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
