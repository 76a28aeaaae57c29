// A handler that writes down what it hears, and notices what it must not hear.

import UV

/// What a handler is told.
enum StreamEvent: CaseIterable {
    case received, receivedEnd, drained, failed
}

final class Witness: ByteStreamHandler {
    let stream: any ByteStream
    /// Bytes that have come.
    private(set) var count = 0
    private(set) var isInOrder = true
    private(set) var hasEnded = false
    private(set) var drains = 0
    private(set) var failure: StreamFailure?
    private(set) var isClosed = false
    /// Runs inside the call that tells of the event.
    var onEvent: (StreamEvent) -> Void = { _ in }
    private var violations: [String] = []
    /// What the test is calling, in which only `write` may tell of anything.
    private var isInsideCall = false
    private var isClosing = false

    init(_ stream: any ByteStream) { self.stream = stream }

    /// Calls the stream, which must not call back inside.
    func call(_ body: (any ByteStream) -> Void) {
        isInsideCall = true
        body(stream)
        isInsideCall = false
    }

    /// Bytes that show where they stand, from `start` on.
    func write(count: Int, from start: Int = 0, isLast: Bool = false) {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let place = (start + bytes.count) % Pattern.bytes.count
            bytes += Pattern.bytes[place...].prefix(count - bytes.count)
        }
        if isLast { stream.writeLast(bytes.span) } else { stream.write(bytes.span) }
    }

    func close(resets: Bool = false) {
        isClosing = true
        call { resets ? $0.reset() : $0.close() }
    }

    func check() throws {
        if let first = violations.first { throw StreamViolation(first) }
    }

    private func hears(_ what: String, _ event: StreamEvent?) {
        if isInsideCall { violations.append("\(what) came from inside a call") }
        if isClosed { violations.append("\(what) came after closed") }
        if isClosing, event != nil { violations.append("\(what) came after close") }
        // A handler that calls the stream from here is on the loop again.
        let wasInside = isInsideCall
        isInsideCall = false
        if let event { onEvent(event) }
        isInsideCall = wasInside
    }

    func received(_ bytes: Span<UInt8>) {
        // Not each of them: there are millions. A prime, so that every place has its turn.
        for index in stride(from: 0, to: bytes.count, by: 61) {
            let place = (count + index) % Pattern.bytes.count
            if bytes[index] != Pattern.bytes[place] { isInOrder = false }
        }
        count += bytes.count
        if hasEnded { violations.append("bytes came behind the end") }
        hears("received", .received)
    }

    func receivedEnd() {
        if hasEnded { violations.append("the end came twice") }
        hasEnded = true
        hears("receivedEnd", .receivedEnd)
    }

    func drained() {
        drains += 1
        if !isClosing, stream.queuedBytes != 0 {
            violations.append("drained came with bytes in the queue")
        }
        hears("drained", .drained)
    }

    func failed(_ failure: StreamFailure) {
        if self.failure != nil { violations.append("failed came twice") }
        self.failure = failure
        hears("failed", .failed)
    }

    func closed() {
        hears("closed", nil)
        if !isClosing { violations.append("closed came without a close") }
        isClosed = true
    }
}

private enum Pattern {
    static let bytes: [UInt8] = (0..<1 << 16).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}
