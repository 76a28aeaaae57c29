// What the writer counts, for the page of metrics.

import Metrics
import System

/// The writer's counters. Its thread writes; any thread reads.
final class StoreMetrics: Sendable {
    /// Changes in one transaction.
    let batchSizes = Histogram(.sizes)
    /// How long COMMIT took, with its sync to disk.
    let commits = Histogram(.microseconds)
    let failedBatches = Counter()
    /// Changes and questions that met a damaged part of the file. The reader writes the second.
    let damagedChanges = Counter()
    let damagedQuestions = Counter()
    /// When the writer took up what it works on, in monotonic microseconds; 0 while it waits.
    let busySince = Counter()
}

extension SQLiteFile {
    /// What was written in all, for people; nil where nothing was.
    public var summary: String? {
        let sizes = HistogramReading(metrics.batchSizes)
        let commits = HistogramReading(metrics.commits)
        let batches = sizes.count
        guard batches > 0 else { return nil }
        return "the store wrote \(sizes.total) changes in \(batches) batches, "
            + "\(sizes.total / batches) a batch, \(commits.total / batches) us a commit"
    }

    /// The writer has been at one batch for longer, or lets others wait for longer: what the
    /// watchdog asks. Any thread.
    public func isStuck(longerThan milliseconds: UInt64) -> Bool {
        let now = Clock.monotonicMicroseconds()
        let busySince = metrics.busySince.value == 0 ? now : metrics.busySince.value
        return now - min(busySince, jobs.waitingSince ?? now) > Int(milliseconds) * 1000
    }

    /// Adds the store's families to the page. Any thread; waits for nobody who waits for the disk.
    public func appendMetrics(to text: inout MetricsText) {
        text.histogram(
            "obie_tokens_store_batch_size", "Changes that one transaction wrote.",
            [([], HistogramReading(metrics.batchSizes))])
        text.histogram(
            "obie_tokens_store_commit_duration_seconds",
            "How long a COMMIT took, with its sync to disk.",
            [([], HistogramReading(metrics.commits))])
        text.counter(
            "obie_tokens_store_failed_batches_total",
            "Transactions that failed; what they were to write was answered 503.",
            metrics.failedBatches.value)
        text.counter(
            "obie_tokens_store_damage_total",
            "What met a damaged part of the store's file, and was answered 503.",
            [
                ([("thread", "writer")], metrics.damagedChanges.value),
                ([("thread", "reader")], metrics.damagedQuestions.value),
            ])
        text.gauge(
            "obie_tokens_store_queue_length", "Jobs that wait, by the thread they wait for.",
            [
                ([("thread", "writer")], Double(jobs.count)),
                ([("thread", "reader")], Double(questions.count)),
            ])
    }
}
