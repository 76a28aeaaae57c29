// Says what the parser makes of bytes, for the differential test: batches of inputs on stdin, one
// line of JSON per input on stdout. A batch is its length, then each input behind its own length,
// all lengths as four bytes, the highest first.

import Bytes
import Foundation
import HTTP1

/// What came of one input.
struct Outcome: Equatable {
    struct Request: Equatable {
        var method: Method
        var path: [UInt8]
        var fields: [[[UInt8]]]
        var body: [UInt8]
        var keepsAlive: Bool
        /// Bytes of the input up to its end.
        var end: Int
    }

    enum End: Equatable {
        /// Nothing is left over.
        case done
        case waits
        case refused(ProtocolError)
        /// A request asked for the end; what follows is not looked at.
        case closed
    }

    var requests: [Request] = []
    var end = End.done

    init(_ bytes: [UInt8], portion: Int) {
        var reader = RequestReader()
        var offset = 0
        var given = 0
        while given < bytes.count {
            given = min(given + portion, bytes.count)
            let available = bytes.span.extracting(0..<given)
            reading: while offset < given {
                let event = reader.read(available, from: &offset)
                switch event {
                case .incomplete: break reading
                case .continueExpected: continue
                case .request(.input(let range)): note(bytes[range], reader.head, offset)
                case .request(.assembled): note(reader.assembled[...], reader.head, offset)
                case .refused(let error):
                    end = .refused(error)
                    return
                }
                if end == .closed { return }
            }
        }
        if !reader.isBetweenRequests { end = .waits }
    }

    private mutating func note(_ bytes: ArraySlice<UInt8>, _ head: RequestHead, _ offset: Int) {
        func part(_ range: Range<Int>) -> [UInt8] {
            Array(bytes.dropFirst(range.lowerBound).prefix(range.count))
        }
        requests.append(
            Request(
                method: head.method, path: part(head.path),
                fields: head.fields.map { [part($0.name), part($0.value)] },
                body: part(head.body), keepsAlive: head.keepsAlive, end: offset))
        if !head.keepsAlive { end = .closed }
    }
}

/// Writes JSON; a byte becomes the character of the same number.
struct JSONLine {
    private(set) var bytes: [UInt8] = []

    init(_ outcome: Outcome, isSplitSafe: Bool) {
        bytes += Array("{\"requests\":[".utf8)
        for (index, request) in outcome.requests.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(request)
        }
        bytes += Array("],\"end\":".utf8)
        switch outcome.end {
        case .done: write("done")
        case .waits: write("waits")
        case .closed: write("closed")
        case .refused(.malformed(let rule)): write("malformed.\(rule)")
        case .refused(let error): write("\(error)")
        }
        bytes += Array(",\"split\":\(isSplitSafe)}\n".utf8)
    }

    private mutating func write(_ request: Outcome.Request) {
        bytes += Array("{\"method\":".utf8)
        write("\(request.method)".uppercased())
        bytes += Array(",\"path\":".utf8)
        write(request.path)
        bytes += Array(",\"fields\":[".utf8)
        for (index, field) in request.fields.enumerated() {
            bytes += Array((index > 0 ? ",[" : "[").utf8)
            write(field[0])
            bytes.append(UInt8(ascii: ","))
            write(field[1])
            bytes.append(UInt8(ascii: "]"))
        }
        bytes += Array("],\"body\":".utf8)
        write(request.body)
        bytes += Array(",\"stays\":\(request.keepsAlive),\"end\":\(request.end)}".utf8)
    }

    private mutating func write(_ text: String) {
        write(Array(text.utf8))
    }

    private mutating func write(_ text: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            if byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\"")
                || byte == UInt8(ascii: "\\")
            {
                bytes += Array("\\u00".utf8)
                Hexadecimal.append(byte, to: &bytes)
            } else {
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// The batches of stdin.
enum Batches {
    private static func read(_ count: Int) throws -> [UInt8]? {
        guard count > 0 else { return [] }
        guard let data = try FileHandle.standardInput.read(upToCount: count), data.count == count
        else { return nil }
        return Array(data)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    /// - Returns: nil at the end.
    static func next() throws -> [[UInt8]]? {
        guard let prefix = try read(4), let batch = try read(number(prefix[...])) else {
            return nil
        }
        var inputs: [[UInt8]] = []
        var at = 0
        while at + 4 <= batch.count {
            let start = at + 4
            at = start + number(batch[at..<start])
            guard at <= batch.count else { return nil }
            inputs.append(Array(batch[start..<at]))
        }
        return inputs
    }
}

@main
enum Events {
    static func main() throws {
        while let inputs = try Batches.next() {
            var output: [UInt8] = []
            for input in inputs {
                let whole = Outcome(input, portion: max(input.count, 1))
                let isSplitSafe = Outcome(input, portion: 1) == whole
                output += JSONLine(whole, isSplitSafe: isSplitSafe).bytes
            }
            try FileHandle.standardOutput.write(contentsOf: output)
        }
    }
}
