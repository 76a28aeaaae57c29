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

    /// - Parameter bytes: `count` of them.
    func copy(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == count, "the size of stable bytes is fixed")
        unsafe UnsafeMutableRawBufferPointer(start: memory, count: count).copyMemory(from: bytes)
    }
}
