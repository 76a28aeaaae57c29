// Whether the file does what is asked of it. Written by the store's threads, read by anybody.

import Synchronization

/// Says so each time it changes, and for each cause. Any thread.
public final class StoreHealth: Sendable {
    /// What may fail while the rest goes on.
    enum Part: CaseIterable {
        case writing, reading
        /// Moving the log into the file. Requests are answered without it.
        case log
        /// The files are those that were opened.
        case files
        /// It belongs to the store, and can be read. Whoever reads it tells so.
        case registry

        /// What is written comes to the disk. There is no way back but a start.
        case syncing
        /// A part of the file cannot be read. The rest of it can.
        case damage
        /// Removing what has expired.
        case cleaning
        /// The places of the file that every exchange needs.
        case exchanging

        /// No new work should come while it fails. A store of which a part is damaged takes it: no
        /// restart mends it, and most is answered.
        fileprivate var isNeeded: Bool {
            switch self {
            case .writing, .reading, .files, .registry, .syncing, .exchanging: true
            case .log, .damage, .cleaning: false
            }
        }

        fileprivate func failure(_ cause: String) -> String {
            switch self {
            case .writing:
                "the store does not take changes: \(cause); requests get 503 until it does"
            case .reading:
                "the store cannot be read: \(cause); questions about tokens get 503 until it can, except "
                    + "about those that were asked for lately"
            case .log:
                "the store's log cannot be moved into its file: \(cause); it grows until it can"
            case .files:
                "\(cause) was moved, removed or replaced while the server uses it, so /readyz says "
                    + "503: what is issued now, the next start would not find. Put it back where it "
                    + "was; if it was removed, do not stop the server, which still has it open: "
                    + "docs/runbook.md says how to save it"
            case .registry: cause
            case .syncing:
                "the disk has failed to sync the store: \(cause); what was written since the last sync "
                    + "may be lost, so the server ends with status 74; its next start goes on from "
                    + "what is on the disk"
            case .damage:
                "the store is damaged: \(cause); what stands there gets 503, all else is answered; "
                    + "run `obie-tokens check`, and restore a backup"
            case .cleaning:
                "the store is damaged: \(cause); what expires there stays in the file, all else "
                    + "goes on; run `obie-tokens check`, and restore a backup"
            case .exchanging:
                "the store is damaged where every exchange needs it: \(cause); exchanges get 503 "
                    + "until a backup is restored"
            }
        }

        fileprivate var recovery: String {
            switch self {
            case .writing: "the store takes changes again"
            case .reading: "the store can be read again"
            case .log: "the store's log can be moved into its file again"
            case .files: "all files of the store are where they were again"
            case .registry: "the registry can be read again"
            case .syncing: "the store can be synced again"
            case .damage: "the store's file can be read again"
            case .cleaning: "what expires leaves the store's file again"
            case .exchanging: "the store takes exchanges again"
            }
        }
    }

    /// Causes told of one part before it recovers.
    private static let causesMax = 8

    /// What fails, and each cause that was told.
    private let failing = Mutex<[Part: Set<String>]>([:])
    private let report: @Sendable (String) -> Void
    private let onLoss: @Sendable () -> Void

    /// - Parameters:
    ///   - report: gets one line for each change, without any secret.
    ///   - onLoss: is called once a sync has failed: the process has to end soon.
    init(
        report: @escaping @Sendable (String) -> Void,
        onLoss: @escaping @Sendable () -> Void = {}
    ) {
        self.report = report
        self.onLoss = onLoss
    }

    /// Whether requests can be answered.
    public var isGood: Bool {
        failing.withLock { failing in
            Part.allCases.allSatisfy { failing[$0] == nil || !$0.isNeeded }
        }
    }

    func isFailing(_ part: Part) -> Bool { failing.withLock { $0[part] != nil } }

    /// Tells each cause once until the part recovers.
    func failed(_ part: Part, _ cause: String) {
        let isNew = failing.withLock { failing in
            let told = failing[part] ?? []
            guard !told.contains(cause), told.count < StoreHealth.causesMax else { return false }
            failing[part] = told.union([cause])
            return true
        }
        if isNew { report(part.failure(cause)) }
    }

    /// For what somebody else tells people of.
    func set(_ part: Part, isFailing: Bool) {
        failing.withLock { $0[part] = isFailing ? [] : nil }
    }

    /// What was written since the last good sync counts for nothing any more.
    func lostSync(_ cause: String) {
        failed(.syncing, cause)
        onLoss()
    }

    func recovered(_ part: Part) {
        let wasBad = failing.withLock { $0.removeValue(forKey: part) != nil }
        if wasBad { report(part.recovery) }
    }
}
