// What the store's thread counts, for the page of metrics.

import Metrics
import System

/// Its thread writes; any thread reads.
final class StoreMetrics: Sendable {
    /// Changes in one transaction.
    let batchSizes = Histogram(.sizes)
    /// From sending a batch until it was committed.
    let commits = Histogram(.microseconds)
    let failedBatches = Counter()
    /// Deadlocks and the like.
    let conflicts = Counter()
    let reconnects = Counter()
    /// Changes that were in doubt, that were sent again for that, and exchanges that were undone.
    let uncertain = Counter()
    let repeated = Counter()
    let undone = Counter()
    let waitingChanges = Counter()
    let waitingQuestions = Counter()
    /// Connections that are ready or at work.
    let connections = Counter()
    /// When the thread was last seen, in monotonic microseconds.
    let seenAt = Counter()

    init() { seenAt.set(Clock.monotonicMicroseconds()) }

    /// What was written in all, for people; nil where nothing was.
    var summary: String? {
        let sizes = HistogramReading(batchSizes)
        let batches = sizes.count
        guard batches > 0 else { return nil }
        return "the store wrote \(sizes.total) changes in \(batches) batches, "
            + "\(sizes.total / batches) a batch, \(HistogramReading(commits).total / batches) us a "
            + "commit; \(repeated.value) changes were repeated, \(undone.value) undone"
    }

    /// Any thread; waits for nobody.
    func append(to text: inout MetricsText) {
        text.histogram(
            "obie_tokens_store_batch_size", "Changes that one transaction wrote.",
            [([], HistogramReading(batchSizes))])
        text.histogram(
            "obie_tokens_store_commit_duration_seconds",
            "How long a batch took from being sent until it was committed.",
            [([], HistogramReading(commits))])
        text.counter(
            "obie_tokens_store_failed_batches_total",
            "Transactions that the database has rolled back.", failedBatches.value)
        text.counter(
            "obie_tokens_store_conflicts_total",
            "Transactions that met another one (deadlocks and the like) and were repeated.",
            conflicts.value)
        text.counter(
            "obie_tokens_store_reconnects_total", "Connections to the database that were lost.",
            reconnects.value)
        text.counter(
            "obie_tokens_store_uncertain_changes_total",
            "Changes of which a lost connection or a cancelled wait left open whether they are made.",
            uncertain.value)
        text.counter(
            "obie_tokens_store_repeated_changes_total",
            "Changes that were sent again, to find out or to make them.", repeated.value)
        text.counter(
            "obie_tokens_store_undone_exchanges_total",
            "Exchanges that were answered 503 and undone, so that the code is good again.",
            undone.value)
        text.gauge(
            "obie_tokens_store_connections", "Connections to the database that are usable.",
            Double(connections.value))
        text.gauge(
            "obie_tokens_store_queue_length", "Jobs that wait, by what they wait for.",
            [
                ([("thread", "writer")], Double(waitingChanges.value)),
                ([("thread", "reader")], Double(waitingQuestions.value)),
            ])
    }
}
