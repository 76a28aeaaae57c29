// The end of a log's file: what the last line is, what a crash left behind it.

import System

/// What stands at the end of a file.
struct AuditTail {
    /// Behind the last whole line.
    let end: Int
    /// The hash of that line; nil where it, or what stands there instead, is not ours. Such a
    /// file is left as it is: it may be anything.
    let head: AuditHash?

    private static let blockBytes = AuditRecord.lineBytesMax

    init(of storage: any AuditStorage, size: Int) throws(AppendFile.Failure) {
        let newline = UInt8(ascii: "\n")
        var end = size
        while end > 0 {
            let start = max(0, end - AuditTail.blockBytes)
            let block = try storage.read(at: start, countMax: end - start)
            if let last = block.lastIndex(of: newline) {
                end = start + last + 1
                break
            }
            end = start
        }
        self.end = end
        if end == 0 {
            let torn = try storage.read(at: 0, countMax: AuditRecord.opening.count)
            head = AuditTail.isTorn(torn) ? .start : nil
            return
        }
        let start = max(0, end - AuditRecord.lineBytesMax)
        let lines = try storage.read(at: start, countMax: end - start).dropLast()
        let line = lines.lastIndex(of: newline).map { lines[($0 + 1)...] } ?? lines
        head = AuditChain.previous(of: line) == nil ? nil : AuditHash(of: line)
    }

    /// Whether a crash can have left this instead of a first line: a part of it, or the zeros that
    /// a file system gives for what it had not yet written.
    private static func isTorn(_ bytes: [UInt8]) -> Bool {
        AuditRecord.opening.starts(with: bytes) || bytes.allSatisfy { $0 == 0 }
    }
}
