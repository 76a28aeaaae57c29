// Whether a log is as it was written: walks its chain from the first line to the last, from file to
// file.

import System

public enum AuditVerifier {
    /// Reads all files, in bounded memory. Lines that come meanwhile are left for the next time.
    /// Blocks.
    ///
    /// - Parameters:
    ///   - paths: the files of one log, the oldest first.
    ///   - head: the hash of a line that must be there: the last one at an earlier time. Without it,
    ///     lines that were cut off the end are not missed.
    /// - Throws: `AuditFailure` where a file cannot be read.
    public static func verify(
        _ paths: [String], head: String? = nil
    ) throws(AuditFailure) -> AuditVerdict {
        var walk = AuditWalk(wanted: head.flatMap { AuditHash(digits: Array($0.utf8)) })
        for path in paths {
            if let broken = try walk.read(path) { return broken }
        }
        guard walk.isWantedFound else {
            return .broken(
                line: walk.summary.lines,
                reason: "no line has the hash \(head ?? ""): lines were cut off the end, or all "
                    + "lines from some line on were written anew; \(walk.summary.lines) are left",
                file: paths.last ?? "")
        }
        walk.summary.head = walk.previous.text
        return .whole(walk.summary)
    }

    static func verify(
        _ path: String, head: String? = nil
    ) throws(AuditFailure) -> AuditVerdict {
        try verify([path], head: head)
    }
}

/// On the way through the lines.
private struct AuditWalk {
    var summary = AuditSummary()
    /// The hash of the last line so far.
    private(set) var previous = AuditHash.start
    private let wanted: AuditHash?
    private(set) var isWantedFound: Bool
    /// The file that the last line so far is in.
    private var lastPath: String?

    init(wanted: AuditHash?) {
        self.wanted = wanted
        isWantedFound = wanted == nil || wanted == .start
    }

    /// - Returns: what does not fit; nil where the whole file does.
    mutating func read(_ path: String) throws(AuditFailure) -> AuditVerdict? {
        var reader = try AuditReader(path)
        var number = 0
        func broken(_ reason: String) -> AuditVerdict {
            .broken(line: number, reason: reason, file: path)
        }
        while let line = try reader.next() {
            number += 1
            switch line {
            case .tooLong:
                return broken("line \(number) is longer than any line that an audit log has")
            case .torn(let bytes):
                return broken(
                    "line \(number) has no end, only \(bytes) bytes: a crash left it, or "
                        + "somebody cut it; the next start of the server cuts it off and says so")
            case .whole(let bytes):
                let fault =
                    number == 1 ? beginFault(bytes) : fault(bytes, number)
                if let fault { return broken(fault) }
                previous = AuditHash(of: bytes)
                isWantedFound = isWantedFound || previous == wanted
                summary.add(bytes)
                lastPath = path
            }
        }
        return nil
    }

    private func fault(_ line: ArraySlice<UInt8>, _ number: Int) -> String? {
        guard let claimed = AuditChain.previous(of: line) else {
            return "line \(number) is no line of an audit log"
        }
        if claimed == previous { return nil }
        return "line \(number) does not follow line \(number - 1): one of the two was changed or "
            + "moved, or lines between them were removed or inserted"
    }

    /// The first line of a file begins the log, or says that it goes on from another file.
    private mutating func beginFault(_ line: ArraySlice<UInt8>) -> String? {
        guard let claimed = AuditChain.previous(of: line) else {
            return "line 1 is no line of an audit log"
        }
        let isContinued = AuditSummary.name(of: line) == AuditRecord.continuedName
        if claimed != .start, !isContinued {
            return "line 1 is not the first line that was written: lines before it are missing"
        }
        guard let lastPath else {
            if claimed != .start {
                summary.goesOnFrom = claimed.text
                isWantedFound = isWantedFound || claimed == wanted
            }
            return nil
        }
        if claimed == previous { return nil }
        if claimed == .start {
            return
                "it begins a log of its own, and does not go on from \(lastPath); if the log was "
                + "begun anew, verify the two by themselves"
        }
        return "lines are missing between \(lastPath), which ends with \(previous.text), and this "
            + "file, which goes on from \(claimed.text); give the files oldest first, and none left out"
    }
}
