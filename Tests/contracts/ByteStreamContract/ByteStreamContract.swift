// The suite that every byte stream must pass. A library, so that the tests of each kind can call it.

import UV

/// What a stream did wrong, in words.
public struct StreamViolation: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// Two streams that are connected with each other, on one loop. Neither has been started.
public struct StreamPair {
    /// The one that is tested.
    public let near: any ByteStream
    public let far: any ByteStream

    public init(near: any ByteStream, far: any ByteStream) {
        self.near = near
        self.far = far
    }
}

/// Runs one rule after another against fresh pairs.
public struct ByteStreamContract {
    private let makePair: (EventLoop) throws -> StreamPair
    private let wait: () -> Void

    /// - Parameters:
    ///   - wait: blocks for a moment, about 0.1 ms.
    ///   - makePair: both ends of a connection over the loopback address. What else it opens on the loop
    ///     is closed with the loop.
    public init(
        wait: @escaping () -> Void, _ makePair: @escaping (EventLoop) throws -> StreamPair
    ) {
        self.wait = wait
        self.makePair = makePair
    }

    /// Every rule by name.
    public static var rules: [(name: String, run: (ByteStreamContract) throws -> Void)] {
        [
            ("bytesArriveInOrder", { try $0.bytesArriveInOrder() }),
            ("resumingDeliversNothingInside", { try $0.resumingDeliversNothingInside() }),
            ("pausedStreamDeliversNothing", { try $0.pausedStreamDeliversNothing() }),
            ("queueIsCountedAndDrains", { try $0.queueIsCountedAndDrains() }),
            ("endComesBehindWhatIsQueued", { try $0.endComesBehindWhatIsQueued() }),
            ("lastBytesComeBeforeTheEnd", { try $0.lastBytesComeBeforeTheEnd() }),
            ("endIsToldOnce", { try $0.endIsToldOnce() }),
            ("resetTakesBackWhatIsQueued", { try $0.resetTakesBack(finishes: false) }),
            ("resetWorksBehindTheEndToo", { try $0.resetTakesBack(finishes: true) }),
            ("failureIsTypedAndToldOnce", { try $0.failureIsTypedAndToldOnce() }),
            ("closedStreamDoesNothing", { try $0.closedStreamDoesNothing() }),
            ("streamHoldsItsHandlerUntilItIsClosed", { try $0.handlerIsHeld() }),
            ("peerHasAnAddress", { try $0.peerHasAnAddress() }),
        ]
            + StreamEvent.allCases.flatMap { event in
                [false, true].map { resets in
                    (
                        "\(resets ? "reset" : "close") inside \(event)",
                        { try $0.closesInside(event, resets: resets) }
                    )
                }
            }
    }

    func check(_ isTrue: Bool, _ what: String) throws {
        if !isTrue { throw StreamViolation(what) }
    }

    /// A pair that nobody listens to yet.
    func pair(_ loop: EventLoop) throws -> StreamPair { try makePair(loop) }

    /// A pair with a listening witness at each end, and the loop that they are on.
    func open(_ run: (EventLoop, Witness, Witness) throws -> Void) throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        let pair = try makePair(loop)
        let (near, far) = (Witness(pair.near), Witness(pair.far))
        pair.near.start(near)
        pair.far.start(far)
        try turn(loop, "the two ends never became ready") {
            pair.near.isReady && pair.far.isReady
        }
        try run(loop, near, far)
        try near.check()
        try far.check()
    }

    /// Runs the loop until it is so.
    func turn(_ loop: EventLoop, _ otherwise: String, until isSo: () -> Bool) throws {
        for _ in 0..<20_000 {
            if isSo() { return }
            loop.runOnce()
            wait()
        }
        throw StreamViolation(otherwise)
    }

    /// Runs the loop for a moment, in which nothing is to happen.
    func turn(_ loop: EventLoop) {
        for _ in 0..<50 {
            loop.runOnce()
            wait()
        }
    }
}
