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
    /// What a file begins with that gzip has made (RFC 1952 §2.3.1).
    private static let gzip: [UInt8] = [0x1F, 0x8B]
    private let file: AppendFile
    /// Lines from here on came after reading began: another time. nil: a stream, which tells its end.
    private let end: Int?
    private var hasEnded = false
    private var position = 0
    private var block: [UInt8] = []
    /// Where the next line begins in `block`.
    private var start = 0

    /// - Throws: `AuditFailure` where the file cannot be opened.
    init(_ path: String) throws(AuditFailure) {
        do throws(AppendFile.Failure) {
            file = try AppendFile(path, .read)
            if file.isStream {
                end = nil
                return
            }
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
            if hasEnded || position == end {
                block = []
                if isTooLong { return .tooLong }
                return searched == 0 ? nil : .torn(bytes: searched)
            }
            try readBlock()
        }
    }

    private mutating func readBlock() throws(AuditFailure) {
        let bytes: [UInt8]
        do throws(AppendFile.Failure) {
            if let end {
                let count = min(AuditReader.blockBytes, end - position)
                bytes = try file.read(at: position, countMax: count)
            } else {
                bytes = try file.readNext(countMax: AuditReader.blockBytes)
                hasEnded = bytes.isEmpty
            }
        } catch {
            throw AuditFailure(error)
        }
        guard !bytes.isEmpty || hasEnded else {
            throw AuditFailure("\(file.path) became shorter while it was read")
        }
        if position == 0, bytes.starts(with: AuditReader.gzip) {
            throw AuditFailure(
                "\(file.path) is compressed; give <(zcat \(file.path)) in its place, in bash or zsh"
            )
        }
        position += bytes.count
        block.append(contentsOf: bytes)
    }
}
