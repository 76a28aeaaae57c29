// Lists of byte strings as C takes them, and how long is left of a time.

import System

/// Byte strings at addresses of their own, as long as this object is there.
@safe final class CValues {
    // Each is made in `init` and freed in `deinit`.
    private let memory: [UnsafeMutableBufferPointer<CChar>?]
    let lengths: [Int32]

    /// - Parameter values: nil becomes a null pointer, which is NULL.
    init(_ values: [[UInt8]?]) {
        lengths = values.map { Int32($0?.count ?? 0) }
        unsafe memory = values.map { value in
            guard let value else { return nil }
            // An empty value needs an address too: without one it would be NULL.
            let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: max(1, value.count))
            unsafe copy.initialize(repeating: 0)
            for (index, byte) in value.enumerated() {
                unsafe copy[index] = CChar(bitPattern: byte)
            }
            return unsafe copy
        }
    }

    /// Texts, with a null pointer behind the last one.
    convenience init(list texts: [String]) {
        self.init(texts.map { Array($0.utf8) + [0] } + [nil])
    }

    /// What C is given. Valid as long as this object.
    @unsafe var pointers: [UnsafePointer<CChar>?] {
        unsafe memory.map { unsafe UnsafePointer($0?.baseAddress) }
    }

    deinit {
        for index in unsafe memory.indices { unsafe memory[index]?.deallocate() }
    }
}

/// A moment that must not be waited beyond.
struct Deadline {
    private let end: Int

    init(milliseconds: Int) {
        end = System.Clock.monotonicMicroseconds() + milliseconds * 1000
    }

    /// What is left, as poll(2) takes it; 0 when it is over.
    var milliseconds: Int32 {
        Int32(clamping: max(0, (end - System.Clock.monotonicMicroseconds() + 999) / 1000))
    }
}
