// The members of a JSON body and what is wrong with them. Every fault is found, not only the first.

import Tokens

/// Everything wrong with a body.
struct BodyFaults: Error {
    let faults: [Fault]
}

/// Which members a body has, by their index.
protocol Body {
    static var keys: JSONKeys { get }
}

/// Collects the members of a body and what is wrong with them.
struct Members: ~Copyable {
    /// Of which body they are.
    private let kind: any Body.Type
    private let object: JSONObject
    var faults: [Fault] = []

    @inline(__always)
    init<Kind: Body>(_ bytes: Span<UInt8>, of kind: Kind.Type) throws(BodyFaults) {
        self.kind = kind
        do throws(JSONInvalid) {
            object = try JSONReader.readObject(bytes, Kind.keys)
        } catch {
            throw BodyFaults(faults: [
                Fault(.jsonInvalid, "the body must be one JSON object in UTF-8 (RFC 8259)")
            ])
        }
    }

    /// The string at `index`; nil where there is none, with a fault where it is something else.
    @inline(__always)
    mutating func string(_ index: Int) -> JSONString? {
        switch object.members[index] {
        case .absent, .null: return nil
        case .string(let string): return string
        case .object, .other: refuse(index, .parameterInvalid, "must be a string")
        case .duplicate: refuse(index, .parameterInvalid, "must be given once")
        }
        return nil
    }

    /// The same, where absent, null and empty are faults.
    @inline(__always)
    mutating func requiredString(_ index: Int) -> JSONString? {
        switch object.members[index] {
        case .absent, .null: break
        case .string(let string) where string.isEmpty: break
        case .string, .object, .other, .duplicate: return string(index)
        }
        refuse(index, .parameterMissing, "is required")
        return nil
    }

    /// Where the object at `index` stands; nil where there is none, with a fault where it is something else.
    @inline(__always)
    mutating func object(_ index: Int) -> Range<Int>? {
        switch object.members[index] {
        case .absent, .null: return nil
        case .object(let place): return place.range
        case .string, .other: refuse(index, .parameterInvalid, "must be an object")
        case .duplicate: refuse(index, .parameterInvalid, "must be given once")
        }
        return nil
    }

    /// Whether there is anything but `null` at `index`.
    func isThere(_ index: Int) -> Bool {
        switch object.members[index] {
        case .absent, .null: false
        case .string, .object, .other, .duplicate: true
        }
    }

    @inline(never)
    private mutating func refuse(_ index: Int, _ code: ErrorCode, _ why: String) {
        faults.append(Fault(code, "\(kind.keys.names[index]) \(why)"))
    }

    /// The header that the body decides about.
    mutating func require(ccgToken isThere: Bool) {
        if !isThere {
            faults.append(Fault(.parameterMissing, "the header ccg_token is required"))
        }
    }

    /// At most 128 characters; or not there, which is none of its business.
    static func isShort(_ text: String?) -> Bool {
        // A character has a byte at least, and those of most texts are counted.
        text.map { $0.utf8.count <= 128 || $0.unicodeScalars.count <= 128 } ?? true
    }

    mutating func check(_ isGood: Bool, _ title: String) {
        if !isGood { faults.append(Fault(.parameterInvalid, title)) }
    }
}
