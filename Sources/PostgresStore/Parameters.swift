// What a statement is given, in PostgreSQL's binary format: numbers, and arrays with one element for
// each of a batch.

import CPostgres
import Tokens

/// The types that our statements are given, by their object identifiers (`pg_type.dat`).
enum ParameterType: UInt32 {
    case boolean = 16
    case bytes = 17
    case number = 20
    case text = 25
    case numbers = 1016
    case smallNumbers = 1005
    case manyBytes = 1001
    case texts = 1009
}

/// The parameters of one statement, one after the other in one piece of memory. A value.
struct Parameters {
    private var memory: [UInt8] = []
    private var ends: [Int] = []

    /// - Parameter bytes: about as much as will be added.
    init(reserving bytes: Int = 0) { memory.reserveCapacity(bytes) }

    private mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        unsafe withUnsafeBytes(of: number.bigEndian) { unsafe memory.append(contentsOf: $0) }
    }

    private mutating func put(_ bytes: some Collection<UInt8>) {
        put(Int32(bytes.count))
        memory.append(contentsOf: bytes)
    }

    private mutating func end() { ends.append(memory.count) }

    mutating func add(_ number: Int64) {
        put(number)
        end()
    }

    mutating func add(_ isTrue: Bool) {
        memory.append(isTrue ? 1 : 0)
        end()
    }

    mutating func add(bytes: [UInt8]) {
        memory.append(contentsOf: bytes)
        end()
    }

    /// One dimension, counted from 1 (`array_recv`).
    private mutating func begin(_ count: Int, _ element: ParameterType.Element, _ hasNull: Bool) {
        put(Int32(count == 0 ? 0 : 1))
        put(Int32(hasNull ? 1 : 0))
        put(Int32(element.rawValue))
        guard count > 0 else { return }
        put(Int32(count))
        put(Int32(1))
    }

    /// Room for so many elements at the most, filled at once: one element after the other would take a
    /// check of the room for each number.
    ///
    /// - Parameter fill: returns how many bytes it has filled.
    private mutating func fill(_ bytes: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        let start = memory.count
        memory.append(contentsOf: repeatElement(0, count: bytes))
        let filled = unsafe memory.withUnsafeMutableBytes { memory in
            unsafe fill(UnsafeMutableRawBufferPointer(rebasing: memory[start...]))
        }
        memory.removeLast(bytes - filled)
        end()
    }

    mutating func add<Items: Collection>(
        numbers items: Items, _ number: (Items.Element) -> Int64?
    ) {
        begin(items.count, .number, true)
        unsafe fill(items.count * 12) { room in
            var place = 0
            for item in items {
                let number = number(item)
                let length: Int32 = number == nil ? -1 : 8
                unsafe room.storeBytes(of: length.bigEndian, toByteOffset: place, as: Int32.self)
                place += 4
                guard let number else { continue }
                unsafe room.storeBytes(of: number.bigEndian, toByteOffset: place, as: Int64.self)
                place += 8
            }
            return place
        }
    }

    /// What the database knows identifiers by.
    mutating func add<Items: Collection>(
        digests items: Items, _ identifier: (Items.Element) -> Identifier
    ) {
        begin(items.count, .bytes, true)
        let step = 4 + Digest.byteCount
        unsafe fill(items.count * step) { room in
            var place = 0
            for item in items {
                let length = Int32(Digest.byteCount).bigEndian
                unsafe room.storeBytes(of: length, toByteOffset: place, as: Int32.self)
                unsafe Digest.write(
                    identifier(item),
                    to: UnsafeMutableRawBufferPointer(rebasing: room[(place + 4)..<(place + step)]))
                place += step
            }
            return place
        }
    }

    mutating func add<Items: Collection>(
        smallNumbers items: Items, _ number: (Items.Element) -> Int16
    ) {
        begin(items.count, .smallNumber, false)
        unsafe fill(items.count * 6) { room in
            var place = 0
            for item in items {
                unsafe room.storeBytes(
                    of: Int32(2).bigEndian, toByteOffset: place, as: Int32.self)
                unsafe room.storeBytes(
                    of: number(item).bigEndian, toByteOffset: place + 4, as: Int16.self)
                place += 6
            }
            return place
        }
    }

    /// - Parameter isText: of characters that every encoding has.
    mutating func add<Items: Collection, Bytes: Collection<UInt8>>(
        bytes items: Items, isText: Bool = false, _ bytes: (Items.Element) -> Bytes?
    ) {
        begin(items.count, isText ? .text : .bytes, true)
        for item in items {
            if let bytes = bytes(item) { put(bytes) } else { put(Int32(-1)) }
        }
        end()
    }

    var byteCount: Int { memory.count }

    /// What `PQsendQueryPrepared` wants. The pointers are good as long as the call lasts.
    func withPointers<Answer>(
        _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> Answer
    ) -> Answer {
        let starts = ends.isEmpty ? [] : [0] + ends.dropLast()
        return unsafe memory.withUnsafeBytes { memory in
            // A pointer even where there is nothing, since none means NULL.
            let values = unsafe starts.map { start in
                unsafe memory.baseAddress.map {
                    unsafe ($0 + start).assumingMemoryBound(to: CChar.self)
                }
            }
            let lengths = zip(starts, ends).map { Int32($1 - $0) }
            return unsafe body(values, lengths, [Int32](repeating: 1, count: ends.count))
        }
    }
}

extension ParameterType {
    /// Of arrays.
    enum Element: UInt32 {
        case bytes = 17
        case number = 20
        case smallNumber = 21
        case text = 25
    }
}
