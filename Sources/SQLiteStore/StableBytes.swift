// Memory that SQLite may read from for longer than one call.

/// So many bytes at an address that stays: statements are bound to it once, and see what it holds
/// whenever they run.
@safe final class StableBytes {
    let count: Int
    // Allocated in `init`, freed in `deinit`; a statement that is bound to it holds a reference.
    let memory: UnsafeMutableRawPointer

    init(count: Int) {
        self.count = count
        unsafe memory = .allocate(byteCount: count, alignment: 8)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }

    deinit {
        unsafe memory.deallocate()
    }

    /// All of it, for who writes it anew.
    var room: UnsafeMutableRawBufferPointer { unsafe .init(start: memory, count: count) }

    /// - Parameter bytes: `count` of them.
    func copy(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == count, "the size of stable bytes is fixed")
        unsafe room.copyMemory(from: bytes)
    }
}

/// A text at an address that stays until another one takes its place: a statement that is bound to it
/// copies nothing, and asks for no memory each time.
@safe final class StableText {
    // Allocated in `init` and `hold`, freed there and in `deinit`.
    private(set) var memory: UnsafeMutableRawBufferPointer

    init() { unsafe memory = .allocate(byteCount: 64, alignment: 8) }

    deinit { unsafe memory.deallocate() }

    /// Lets `body` have the text, where it stays. What was there before is freed, where it had too little
    /// room, after `body`.
    func hold<Result>(
        _ bytes: UnsafeBufferPointer<UInt8>, _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result? {
        let before = unsafe memory
        let isTooSmall = bytes.count > before.count
        if isTooSmall { unsafe memory = .allocate(byteCount: bytes.count * 2, alignment: 8) }
        defer { if isTooSmall { unsafe before.deallocate() } }
        unsafe memory.copyMemory(from: UnsafeRawBufferPointer(bytes))
        guard let start = unsafe memory.baseAddress else { return nil }
        return unsafe body(UnsafePointer(start.assumingMemoryBound(to: CChar.self)))
    }
}
