// Reads a log line by line, however large it is, in a few blocks of memory.

import System

/// Used by one thread; blocks.
struct AuditReader {
    enum Line {
        case whole(ArraySlice<UInt8>)
        /// Longer than any line that a log writes.
        case tooLong
        /// The last one, without its end.
        case torn(bytes: Int)
    }

    private static let blockBytes = 256 * 1024
    private let file: AppendFile
    /// Lines from here on came after reading began: another time.
    private let end: Int
    private var position = 0
    private var block: [UInt8] = []
    /// Where the next line begins in `block`.
    private var start = 0

    /// - Throws: `AuditFailure` where the file cannot be opened.
    init(_ path: String) throws(AuditFailure) {
        do throws(AppendFile.Failure) {
            file = try AppendFile(path, .read)
            // Whoever appends has the lock, so the end lies between lines.
            try file.lock(withinMilliseconds: AuditFile.lockPatienceMilliseconds)
            end = try file.size()
            file.unlock()
        } catch {
            throw AuditFailure(error)
        }
    }

    /// The next line without its end; nil behind the last.
    mutating func next() throws(AuditFailure) -> Line? {
        var searched = start
        var isTooLong = false
        while true {
            if let newline = block[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = block[start..<newline]
                start = newline + 1
                isTooLong = isTooLong || line.count >= AuditRecord.lineBytesMax
                return isTooLong ? .tooLong : .whole(line)
            }
            if block.count - start >= AuditRecord.lineBytesMax {
                isTooLong = true
                start = block.count
            }
            block.removeFirst(start)
            start = 0
            searched = block.count
            if position == end {
                block = []
                if isTooLong { return .tooLong }
                return searched == 0 ? nil : .torn(bytes: searched)
            }
            try readBlock()
        }
    }

    private mutating func readBlock() throws(AuditFailure) {
        let count = min(AuditReader.blockBytes, end - position)
        let bytes: [UInt8]
        do throws(AppendFile.Failure) {
            bytes = try file.read(at: position, countMax: count)
        } catch {
            throw AuditFailure(error)
        }
        guard !bytes.isEmpty else {
            throw AuditFailure("\(file.path) became shorter while it was read")
        }
        position += bytes.count
        block.append(contentsOf: bytes)
    }
}
