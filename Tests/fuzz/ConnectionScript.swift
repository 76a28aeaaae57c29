// What happens to a connection, written down in bytes that a fuzzer can change: text is what the
// client sends, control characters are what else happens.

/// What happens next to the connection.
enum Happening {
    /// The client sends; the network may join it with what was sent before.
    case sends([UInt8])
    case endsSending
    case resets
    /// The client reads nothing from now on.
    case stopsReading
    /// The client reads some of what is queued for it.
    case readsSome
    /// The client reads all that is queued for it, and goes on reading.
    case readsAll
    /// From now on the store answers later.
    case storeWaits
    /// The store answers what it was asked first.
    case storeAnswersOne
    /// The store answers everything, and at once from now on.
    case storeAnswers
    case storeFailsOnce
    /// The next write finds the connection broken.
    case writeFailsOnce
    case timePasses(milliseconds: UInt64)
    case serverStops
    case serverAborts
}

struct ConnectionScript {
    enum World {
        /// Every request is answered with its number, so that the order shows.
        case echo
        case sandbox, production
    }

    private(set) var world = World.sandbox
    /// Limits that a few hundred bytes reach.
    private(set) var isTight = false
    private(set) var happenings: [Happening] = []

    /// Reads a script. Every input is one.
    ///
    /// 10 (DLE) takes the next byte as sent by the client. The controls that HTTP has a use for,
    /// TAB, CR and LF, are text.
    init(_ input: [UInt8]) {
        var text: [UInt8] = []
        var rest = input[...]
        while let byte = rest.popFirst() {
            guard byte < 0x20, ![0x09, 0x0A, 0x0D].contains(byte) else {
                text.append(byte)
                continue
            }
            if byte == 0x10 {
                if let literal = rest.popFirst() { text.append(literal) }
                continue
            }
            // Any control ends what was sent in one piece; 01 does nothing else.
            if !text.isEmpty { happenings.append(.sends(text)) }
            text = []
            switch byte {
            case 0x1D: world = .echo
            case 0x1E: world = .production
            case 0x1F: isTight = true
            case 0x08:
                // Up to 6 s in steps of 50 ms, then up to two minutes by the second.
                let amount = UInt64(rest.popFirst() ?? 0)
                let milliseconds = amount < 128 ? amount * 50 : (amount - 120) * 1000
                happenings.append(.timePasses(milliseconds: milliseconds))
            default:
                if let happening = ConnectionScript.happening(byte) {
                    happenings.append(happening)
                }
            }
        }
        if !text.isEmpty { happenings.append(.sends(text)) }
    }

    private static func happening(_ byte: UInt8) -> Happening? {
        switch byte {
        case 0x02: .storeWaits
        case 0x03: .storeAnswersOne
        case 0x04: .storeAnswers
        case 0x05: .stopsReading
        case 0x06: .readsAll
        case 0x07: .endsSending
        case 0x0B: .readsSome
        case 0x0C: .serverStops
        case 0x0E: .serverAborts
        case 0x0F: .storeFailsOnce
        case 0x11: .writeFailsOnce
        case 0x12: .resets
        default: nil
        }
    }

    /// The same client in the best of worlds: everything is sent in one piece, read at once, and
    /// nothing fails.
    var undisturbed: ConnectionScript {
        var copy = self
        var text: [UInt8] = []
        var ends = false
        for happening in happenings {
            if case .endsSending = happening { ends = true }
            if case .resets = happening { break }
            if case .sends(let bytes) = happening, !ends { text += bytes }
        }
        copy.happenings = [.sends(text)] + (ends ? [.endsSending] : [])
        return copy
    }

    /// How the answers relate to those in the undisturbed world.
    enum Relation {
        /// Splits, waiting and slow reading change nothing.
        case same
        /// Some may be missing at the end.
        case beginning
        /// 408, 503 and `Connection: close` may stand where they did not.
        case other
    }

    var relation: Relation {
        var relation = Relation.same
        for happening in happenings {
            switch happening {
            case .sends, .endsSending, .stopsReading, .readsSome, .readsAll, .storeWaits,
                .storeAnswersOne, .storeAnswers:
                break
            case .resets, .writeFailsOnce, .serverAborts: relation = .beginning
            case .storeFailsOnce, .timePasses, .serverStops: return .other
            }
        }
        return relation
    }
}
