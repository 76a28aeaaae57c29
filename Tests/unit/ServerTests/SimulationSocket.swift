// The kernel and libuv between a connection and its simulated client, as `TCPStream` shows them:
// bytes wait on the way, in both directions, and callbacks come when they come.

import HTTP1
import UV

@testable import Server

final class SimulatedSocket: ByteStream {
    private unowned let world: SimulatedWorld
    private unowned let client: SimulatedClient
    /// As in `TCPStream`: an open stream holds its handler.
    private(set) var connection: (any ByteStreamHandler)?
    let isReady = true

    // From the client to the server.
    /// Bytes of the client's script that are on their way or have arrived.
    var sent = 0
    /// Those that the connection was given.
    private(set) var taken = 0
    /// The client has finished sending.
    private(set) var hasFin = false
    private(set) var isEndGiven = false
    private(set) var isReset = false
    private(set) var isReading = false
    private var isReadable = false

    // From the server to the client.
    private let capacity: Int
    private(set) var inKernel = 0
    private var writes: [Int] = []
    private(set) var queuedBytes = 0
    var undeliveredBytes: Int { queuedBytes + inKernel }
    private var finishedWrites = 0
    private var isWritable = false
    /// Bytes that the client has read.
    private(set) var delivered = 0
    private(set) var written = 0
    private(set) var hasFinishedSending = false
    private(set) var isClosed = false
    /// Closed while bytes of the client were unread: what the client has not read is lost
    /// (RFC 9112 §9.6).
    private(set) var hasResetClient = false

    init(_ world: SimulatedWorld, _ client: SimulatedClient, capacity: Int) {
        self.world = world
        self.client = client
        self.capacity = capacity
    }

    func start(_ connection: any ByteStreamHandler) {
        self.connection = connection
        resumeReading()
    }

    // MARK: What the connection calls

    var peerAddress: [UInt8] { [127, 0, 0, 1] }

    func write(_ bytes: Span<UInt8>) {
        if isClosed || hasFinishedSending { return world.fail("written behind the end") }
        client.checkWritten(bytes, startingAt: written)
        // As from EPIPE in the midst of the call.
        if isReset { return connection?.failed(.connection(.endOfFile)) ?? () }
        written += bytes.count
        var rest = bytes.count
        if queuedBytes == 0 {
            let free = max(0, capacity - inKernel)
            let count = min(rest, world.random.chance(80) ? free : free / 2)
            inKernel += count
            rest -= count
            client.scheduleRead()
        }
        if rest == 0 { return }
        if queuedBytes == 0, world.random.chance(10) {
            // There was room again when libuv tried a second time: nothing is queued, and yet the
            // callback of the write comes later.
            inKernel += rest
            finishedWrites += 1
        } else {
            writes.append(rest)
            queuedBytes += rest
        }
        scheduleWritable()
    }

    func pauseReading() { isReading = false }

    func resumeReading() {
        if isClosed { return }
        isReading = true
        scheduleReadable()
    }

    func finishSending() {
        hasFinishedSending = true
        client.scheduleRead()
    }

    func reset() { close() }

    func close() {
        if isClosed { return }
        client.checkClose()
        isClosed = true
        if taken < sent { resetClient() }
        client.scheduleRead()
        world.schedule(.closed, client)
    }

    // MARK: What the loop does

    func becameReadable() {
        isReadable = false
        guard isReading, !isClosed, let connection else { return }
        if isReset {
            isReading = false
            connection.failed(.connection(.endOfFile))
        } else if taken < sent {
            let count = 1 + world.random.below(min(sent - taken, client.habits.deliveryMax))
            let start = taken
            client.noteTaken(from: start)
            taken += count
            let bytes = client.script.bytes
            connection.received(bytes.span.extracting(start..<start + count))
            scheduleReadable()
        } else if hasFin {
            // libuv stops reading at the end; started again, it finds the end again.
            isReading = false
            isEndGiven = true
            client.noteProgress()
            connection.receivedEnd()
        }
    }

    func becameWritable() {
        isWritable = false
        guard !isClosed, let connection else { return }
        if isReset { return connection.failed(.connection(.endOfFile)) }
        var free = capacity - inKernel
        while free > 0, let first = writes.first {
            let count = min(free, first)
            free -= count
            inKernel += count
            queuedBytes -= count
            client.noteWritable()
            if count == first {
                writes.removeFirst()
                finishedWrites += 1
            } else {
                writes[0] -= count
            }
        }
        client.scheduleRead()
        // One callback for each write, whatever the ones before it have done.
        let finished = finishedWrites
        finishedWrites = 0
        for _ in 0..<finished where !isClosed && queuedBytes == 0 { connection.drained() }
    }

    func finishClosing() {
        connection?.closed()
        connection = nil
    }

    private func scheduleReadable() {
        guard isReading, !isReadable, !isClosed, taken < sent || hasFin || isReset else { return }
        isReadable = true
        world.schedule(
            .readable, client, after: world.random.below(client.habits.deliveryDelayMax + 1))
    }

    private func scheduleWritable() {
        guard !isWritable, isReset || finishedWrites > 0 || queuedBytes > 0 && inKernel < capacity
        else { return }
        isWritable = true
        world.schedule(.writable, client, after: world.random.below(2))
    }

    // MARK: What the client does

    func send(_ count: Int) {
        sent += count
        if isClosed { resetClient() } else { scheduleReadable() }
    }

    func finishSendingFromClient() {
        hasFin = true
        scheduleReadable()
    }

    func resetByPeer() {
        isReset = true
        sent = taken
        scheduleReadable()
        if queuedBytes > 0 { scheduleWritable() }
    }

    /// Returns false where nothing was there.
    func readByClient(_ count: Int) -> Bool {
        let count = min(count, inKernel)
        inKernel -= count
        delivered += count
        if !isClosed { scheduleWritable() }
        return count > 0
    }

    /// The client has read everything that will ever come.
    var isAtEnd: Bool {
        hasResetClient || inKernel == 0 && (isClosed || hasFinishedSending && queuedBytes == 0)
    }

    private func resetClient() {
        if hasResetClient { return }
        hasResetClient = true
        inKernel = 0
        client.scheduleRead()
    }
}
