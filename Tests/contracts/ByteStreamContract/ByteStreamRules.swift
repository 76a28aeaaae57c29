// The rules of a byte stream, one function each.

import UV

/// More than the kernel takes of a connection that nobody reads.
private let crowd = 6 << 20

extension ByteStreamContract {
    func bytesArriveInOrder() throws {
        try open { loop, near, far in
            var sent = 0
            for count in [1, 0, 2, 255, 70_000, 1, 1 << 20] {
                near.write(count: count, from: sent)
                sent += count
            }
            far.write(count: 300)
            try turn(loop, "bytes are missing") { far.count == sent && near.count == 300 }
            try check(far.isInOrder && near.isInOrder, "bytes came in another order")
        }
    }

    /// A stream that has more than its handler wanted must wait with it for the loop.
    func resumingDeliversNothingInside() throws {
        try open { loop, near, far in
            near.onEvent = { _ in near.call { $0.pauseReading() } }
            for _ in 0..<20 { far.write(count: 1 << 14, from: near.count) }
            var rounds = 0
            while near.count < 20 << 14 {
                rounds += 1
                try check(rounds < 1000, "bytes are missing")
                let before = near.count
                near.call { $0.resumeReading() }
                try check(near.count == before, "resumeReading delivered bytes")
                try turn(loop, "nothing came after resumeReading") { near.count > before }
            }
        }
    }

    func pausedStreamDeliversNothing() throws {
        try open { loop, near, far in
            near.call { $0.pauseReading() }
            far.write(count: 1000)
            turn(loop)
            try check(near.count == 0, "a paused stream delivered bytes")
            near.call { $0.resumeReading() }
            try turn(loop, "what came meanwhile is lost") { near.count == 1000 }
            near.call { $0.resumeReading() }
            far.write(count: 1000, from: 1000)
            try turn(loop, "resuming twice stops it") { near.count == 2000 }
            try check(near.isInOrder, "bytes came in another order")
        }
    }

    func queueIsCountedAndDrains() throws {
        try open { loop, near, far in
            try check(near.stream.queuedBytes == 0, "an idle stream has a queue")
            far.call { $0.pauseReading() }
            near.write(count: crowd)
            let queued = near.stream.queuedBytes
            try check(queued > 0, "what the kernel does not take is not counted")
            near.write(count: 1000, from: crowd)
            try check(
                near.stream.queuedBytes >= queued + 1000, "what was queued more is not counted")
            turn(loop)
            try check(near.drains == 0, "drained came with bytes in the queue")
            far.call { $0.resumeReading() }
            try turn(loop, "the queue never drained") { near.drains > 0 }
            try turn(loop, "bytes are missing") { far.count == crowd + 1000 }
            try check(far.isInOrder, "bytes came in another order")
            try check(near.stream.queuedBytes == 0, "a drained stream has a queue")
        }
    }

    func endComesBehindWhatIsQueued() throws {
        try open { loop, near, far in
            far.call { $0.pauseReading() }
            near.write(count: crowd)
            near.call { $0.finishSending() }
            far.call { $0.resumeReading() }
            try turn(loop, "the end never came") { far.hasEnded }
            try check(far.count == crowd, "the end came before what was queued")
            far.write(count: 500)
            try turn(loop, "nothing can be read after finishSending") { near.count == 500 }
            far.call { $0.finishSending() }
            try turn(loop, "the end never came back") { near.hasEnded }
            try check(near.failure == nil && far.failure == nil, "an orderly end is a failure")
        }
    }

    /// The end may take the same packet, or wait behind what the kernel does not take.
    func lastBytesComeBeforeTheEnd() throws {
        for (before, last) in [(0, 0), (0, 1), (0, 300), (300, 300), (0, crowd), (crowd, 300)] {
            try open { loop, near, far in
                near.write(count: before)
                near.write(count: last, from: before, isLast: true)
                near.call { $0.finishSending() }
                try turn(loop, "the end never came behind \(last) last bytes") { far.hasEnded }
                try check(far.count == before + last, "the end came before the last bytes")
                try check(far.isInOrder, "bytes came in another order")
                far.write(count: 500)
                try turn(loop, "nothing can be read after the last bytes") { near.count == 500 }
                try check(near.failure == nil && far.failure == nil, "an orderly end is a failure")
            }
        }
    }

    func endIsToldOnce() throws {
        try open { loop, near, far in
            far.call { $0.finishSending() }
            try turn(loop, "the end never came") { near.hasEnded }
            near.call { $0.pauseReading() }
            near.call { $0.resumeReading() }
            turn(loop)
        }
    }

    /// - Parameter finishes: the end is on its way already, behind the queue.
    func resetTakesBack(finishes: Bool) throws {
        try open { loop, near, far in
            far.call { $0.pauseReading() }
            near.write(count: crowd)
            if finishes { near.call { $0.finishSending() } }
            turn(loop)
            near.close(resets: true)
            try turn(loop, "a stream that was reset never closed") { near.isClosed }
            far.call { $0.resumeReading() }
            try turn(loop, "the peer of a reset hears nothing") {
                far.failure != nil || far.hasEnded
            }
            // Which of the two it hears is the kernel's matter where bytes were still to be read.
            try check(far.count < crowd, "a reset delivers what was queued")
        }
    }

    func failureIsTypedAndToldOnce() throws {
        try open { loop, near, far in
            far.close(resets: true)
            try turn(loop, "the peer never closed") { far.isClosed }
            try turn(loop, "a lost connection is not told of") { near.failure != nil }
            if case .handshake = near.failure { throw StreamViolation("there is no handshake now") }
            for _ in 0..<3 {
                near.write(count: 100)
                near.call { $0.resumeReading() }
                near.call { $0.finishSending() }
                turn(loop)
            }
            near.close()
            try turn(loop, "a failed stream never closed") { near.isClosed }
        }
    }

    func closesInside(_ event: StreamEvent, resets: Bool) throws {
        try open { loop, near, far in
            var hasClosed = false
            near.onEvent = { now in
                guard now == event, !hasClosed else { return }
                hasClosed = true
                near.close(resets: resets)
            }
            switch event {
            case .received: far.write(count: crowd)
            case .receivedEnd: far.call { $0.finishSending() }
            case .failed: far.close(resets: true)
            case .drained:
                far.call { $0.pauseReading() }
                near.write(count: crowd)
                far.call { $0.resumeReading() }
            }
            try turn(loop, "\(event) never came") { hasClosed }
            try turn(loop, "the stream never closed") { near.isClosed }
            turn(loop)
        }
    }

    func closedStreamDoesNothing() throws {
        try open { loop, near, far in
            far.write(count: 1000)
            near.close()
            for _ in 0..<2 {
                near.write(count: 100)
                near.call { stream in
                    stream.pauseReading()
                    stream.resumeReading()
                    stream.finishSending()
                    stream.close()
                    stream.reset()
                }
                try check(near.stream.queuedBytes == 0, "a closed stream has a queue")
                try check(near.stream.peerAddress.isEmpty, "a closed stream has a peer")
                try turn(loop, "the stream never closed") { near.isClosed }
            }
            try check(far.count == 0, "a closed stream sends")
        }
    }

    func handlerIsHeld() throws {
        weak var watched: Witness?
        let loop = try EventLoop()
        defer { loop.abandon() }
        let pair = try pair(loop)
        do {
            let near = Witness(pair.near)
            watched = near
            pair.near.start(near)
        }
        turn(loop)
        try check(watched != nil, "a stream does not hold its handler")
        watched?.close()
        turn(loop)
        try check(watched == nil, "a closed stream holds its handler")
    }

    func peerHasAnAddress() throws {
        try open { _, near, far in
            try check(near.stream.peerAddress == [127, 0, 0, 1], "the peer's address is another")
            try check(far.stream.peerAddress == [127, 0, 0, 1], "the peer's address is another")
        }
    }
}
