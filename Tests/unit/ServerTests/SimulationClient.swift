// A simulated client: what it does, and what it has seen.

import HTTP1

@testable import Server

final class SimulatedClient {
    let index: Int
    let script: SimulatedScript
    let habits: SimulatedHabits
    private(set) lazy var socket = SimulatedSocket(world, self, capacity: habits.capacity)
    unowned let world: SimulatedWorld
    weak var connection: Connection?

    private var isSending = false
    private var isReadScheduled = false
    private var isOver = false

    // What has happened.
    var handled = 0
    /// Answers that the handler has given.
    var responded = 0
    var answered = 0
    var continued = -1
    var isLastWritten = false
    var lastWrittenAt = 0
    /// When it last read something.
    var readAt = 0
    var takenAtLast = 0
    var isExcused = false
    var requestBeganAt = 0
    var activeAt = 0
    var progressAt = 0
    /// Since when neither an answer nor a full queue can have held a request up.
    var freeAt = 0
    struct Record {
        let end: Int
        /// The request that it continues; nil: a final answer.
        let continued: Int?
    }
    var records: [Record] = []
    private var recordsSeen = 0
    var answersSeen = 0
    private var continuedSeen = -1

    init(_ index: Int, _ world: SimulatedWorld) {
        self.index = index
        self.world = world
        script = SimulatedScript(
            firstNumber: index * SimulatedWorld.numbersPerClient, world.limits, &world.random)
        habits = SimulatedHabits(script, world)
    }

    /// The client connects.
    func start() {
        activeAt = world.now
        progressAt = world.now
        let connection = Connection(socket, world)
        self.connection = connection
        socket.start(connection)
        scheduleSend()
        if let time = habits.resetsAfter { world.schedule(.reset, self, after: time) }
    }

    // MARK: What it does

    /// How far it may send now.
    private var gate: Int {
        let answers = answersSeen
        let last = answers + habits.depthMax - 1
        var gate = last < script.requests.count ? script.requests[last].end : script.bytes.count
        guard habits.waitsForContinue else { return gate }
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
        let stall = habits.stallsSending && world.random.chance(10) ? world.random.below(80_000) : 0
        world.schedule(.send, self, after: stall + world.random.below(habits.pieceDelayMax + 1))
    }

    func send() {
        isSending = false
        if isOver || socket.isReset { return }
        let left = gate - socket.sent
        if left > 0 {
            socket.send(min(left, 1 + world.random.below(habits.pieceMax)))
            scheduleSend()
        } else if socket.sent == script.bytes.count {
            if habits.halfCloses { finish() } else { endIfSatisfied() }
        }
    }

    func scheduleRead() {
        guard !habits.neverReads, !isReadScheduled, !isOver, socket.inKernel > 0 || socket.isAtEnd
        else {
            return
        }
        isReadScheduled = true
        let stallMax = world.random.pick([2_000, 5_000, 30_000])
        let stall =
            habits.stallsReading && world.random.chance(20) ? world.random.below(stallMax) : 0
        world.schedule(.read, self, after: stall + world.random.below(habits.readDelayMax + 1))
    }

    func read() {
        isReadScheduled = false
        if isOver { return }
        if socket.readByClient(1 + world.random.below(habits.readMax)) {
            readAt = world.now
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
        switch habits.end {
        case .closes: finish()
        case .waits: return
        case .resets: reset()
        }
    }
}
