// Target `connection`: the input is a script of what happens to a connection. Whatever it is, each
// request gets one answer in its turn, queues stay within their limits, and the connection ends.
// However the same bytes come and go, the answers are the same.

import HTTP1
import UV

@testable import Server

enum ConnectionTarget {
    static func run(_ input: [UInt8]) {
        let script = ConnectionScript(input)
        let answers = play(script)
        switch script.relation {
        case .same:
            let expected = play(script.undisturbed)
            require(answers == expected, "splits, waiting and slow reading change no answer")
        case .beginning:
            let expected = play(script.undisturbed)
            require(expected.starts(with: answers), "what is lost is lost at the end")
        case .other: break
        }
    }

    /// Everything that was answered, from the first byte until nothing is left of the connection.
    private static func play(_ script: ConnectionScript) -> [[UInt8]] {
        weak var remains: Connection?
        let answers: [[UInt8]]
        do {
            let stage = ConnectionStage(script)
            remains = stage.connection
            for happening in script.happenings { stage.play(happening) }
            answers = stage.finish()
        }
        require(remains == nil, "nothing is left of a closed connection")
        if Tally.shows {
            for answer in answers { Tally.write(String(decoding: answer, as: UTF8.self)) }
        }
        return answers
    }
}

/// One connection in its surroundings.
final class ConnectionStage {
    private let host: StageHost
    private let transport = StageTransport()
    let connection: Connection
    private let isTight: Bool
    /// What the kernel has and the connection has not read.
    private var inbound: [UInt8] = []
    private var hasEnded = false

    init(_ script: ConnectionScript) {
        host = StageHost(script)
        isTight = script.isTight
        connection = Connection(transport, host)
        transport.connection = connection
    }

    func play(_ happening: Happening) {
        tellClosed(unless: happening)
        switch happening {
        case .sends(let bytes):
            if !hasEnded, !transport.isClosed { inbound += bytes }
        case .endsSending: hasEnded = true
        case .resets:
            hasEnded = true
            inbound = []
            if !transport.isClosed { connection.failed(.connection(.endOfFile)) }
        case .stopsReading: transport.isRead = false
        case .readsSome: transport.readSome()
        case .readsAll: transport.readAll()
        case .storeWaits: host.answers.areHeld = true
        case .storeAnswersOne: host.answers.giveOne()
        case .storeAnswers: host.answers.giveAll()
        case .storeFailsOnce: host.answers.failsNext = true
        case .writeFailsOnce: transport.failsNextWrite = true
        case .timePasses(let milliseconds):
            host.pass(milliseconds: milliseconds) { inspect() }
        case .serverStops:
            if !host.isStopping, !transport.isClosed {
                host.isStopping = true
                connection.stop()
            }
        case .serverAborts:
            if !transport.isClosed { connection.abort() }
        }
        inspect()
        deliver()
        inspect()
        while host.isTurnAwaited {
            host.turnLoop()
            inspect()
            deliver()
            inspect()
        }
    }

    /// libuv tells of a close in the loop's next round; answers of the store may come before.
    private func tellClosed(unless happening: Happening) {
        if case .storeAnswersOne = happening { return }
        guard transport.isClosed, host.closedCount == 0 else { return }
        connection.closed()
    }

    private static let readBytesMax = 64 * 1024

    /// What the loop does as long as the connection reads.
    private func deliver() {
        while transport.isReading, !inbound.isEmpty {
            let bytes = Array(inbound.prefix(ConnectionStage.readBytesMax))
            inbound.removeFirst(bytes.count)
            connection.received(bytes.span)
            inspect()
        }
        if transport.isReading, hasEnded { transport.tellEnd() }
    }

    private func inspect() {
        require(host.replies.count == 0, "the loop's buffer is empty in between")
        let limits = host.limits
        require(
            transport.queuedBytes <= limits.queuedBytesMax + limits.outputBytesMax
                + 2 * StageHost.answerBytesMax, "what is queued for a client is bounded")
        if isTight {
            require(
                keptCount <= limits.keptBytesMax + ConnectionStage.readBytesMax,
                "what is kept of a client is bounded")
            require(
                !host.counted.isOwed || keptCount <= limits.keptBytesMax || !transport.isReading,
                "nobody is read from who has sent too much")
        }
        if transport.isClosed || host.counted.isOwed { return }
        if host.isTurnAwaited { return }
        require(connection.wheelTick != .max, "who waits for a client has a deadline")
        require(
            transport.isReading || hasEnded || transport.queuedBytes > 0,
            "who waits for nothing else reads")
    }

    /// There is no other way to see it, and no reason to open one for this.
    private var keptCount: Int {
        guard let kept = Mirror(reflecting: connection).descendant("kept") as? [UInt8] else {
            require(false, "a connection keeps bytes in `kept`")
            return 0
        }
        return kept.count
    }

    /// Longer than any row of deadlines of a client that does nothing any more.
    private static let patienceMilliseconds: UInt64 = 100_000

    /// The store answers, the client reads, then nothing more happens: that ends it.
    func finish() -> [[UInt8]] {
        play(.storeAnswers)
        play(.readsAll)
        play(.timePasses(milliseconds: ConnectionStage.patienceMilliseconds))
        require(transport.isClosed, "a client that does nothing is closed")
        tellClosed(unless: .readsAll)
        require(host.closedCount == 1, "a connection is closed once")
        require(!host.counted.isOwed, "every request is answered")
        return answers()
    }

    private func answers() -> [[UInt8]] {
        let counted = host.counted
        let finals = WireAnswers(transport.written, isHead: counted.isHead).finals
        require(finals.count <= counted.answered + 1, "an answer has a request")
        return finals
    }
}
