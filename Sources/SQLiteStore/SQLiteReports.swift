// The figures of the reports in a store's file: the server's side, and that of commands.

import Reports
import StoreThreads
import Tokens
import UV

/// Lets the store's writer write them. One thread, which is neither of the store's.
public final class SQLiteReports: ReportStore {
    private let jobs: ParcelQueue<Job, JobAnswer>
    private let heartbeat: StoreHeartbeat
    /// nil: it has been written down.
    private var seenAt: Milliseconds?

    init(_ jobs: ParcelQueue<Job, JobAnswer>, _ heartbeat: StoreHeartbeat) {
        self.jobs = jobs
        self.heartbeat = heartbeat
        seenAt = heartbeat.seenAt
    }

    public func save(_ batch: ReportBatch) -> String? {
        let answered = Semaphore()
        let answers = Mailbox<JobAnswer> { answered.post() }
        guard jobs.add(Parcel(jobs: [.keep(batch, seenAt: seenAt)], mailbox: answers)) else {
            return "the store's queue is full or closed"
        }
        answered.wait()
        guard case .success = answers.take().first?.answers.first else {
            return "the store does not take them"
        }
        seenAt = nil
        return nil
    }

    public func beat(at now: Milliseconds) { heartbeat.beat(at: now) }
}

/// For commands, while a server may be using the store.
public enum ReportsOfStore {
    /// - Returns: nil where there is no store.
    public static func read(
        store path: String, days: ClosedRange<Int>
    ) throws(StoreFailure) -> ReportContent? {
        guard try Schema.mark.isThere(path) else { return nil }
        // Before the store is read: a server that ends meanwhile has stopped afterwards.
        let isRunning = try StoreLock.isHeld(path)
        let seenAt = StoreLock.heartbeat(of: path).seenAt
        var content: ReportContent
        do throws(DatabaseError) {
            let database = try Database.reading(path)
            try database.execute("BEGIN")
            content =
                try ReportRows.areThere(database)
                ? try ReportRows(database).read(days) : ReportContent()
        } catch {
            throw StoreFailure("cannot read the store \(path): \(error)")
        }
        let last = content.runs.indices.max {
            content.runs[$0].startedAt < content.runs[$1].startedAt
        }
        if let last, content.runs[last].stoppedAt == nil {
            if isRunning { content.running = [content.runs[last].id] }
            content.runs[last].aliveUntil = max(content.runs[last].aliveUntil, seenAt ?? 0)
            // No server has ever used this file: it is a backup, and whoever was alive then may still be.
            if seenAt == nil { content.endsAt = content.runs[last].aliveUntil }
        }
        return content
    }
}
