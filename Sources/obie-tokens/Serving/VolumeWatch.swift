// Looks at the room on disks from time to time, on a thread of its own: a disk that hangs holds up
// nobody else.

import Metrics
import Synchronization
import System
import UV

/// Watches until it is closed. Made and closed on the main thread.
final class VolumeWatch: Sendable {
    private static let everyMilliseconds: UInt64 = 10_000

    /// What is on the volume: a name for metrics, another for people, and a file.
    struct Subject: Sendable {
        let label: String
        let name: String
        let path: String
    }

    private let subjects: [Subject]
    /// As they were last seen.
    private let seen: Mutex<[Volume?]>
    private let report: @Sendable (String) -> Void

    /// - Parameters:
    ///   - store: where its files begin; nil: it has none.
    ///   - auditLog: its file; nil: there is none.
    ///   - report: gets a line when room runs out, and when there is enough again. Any thread.
    init(store: String?, auditLog: String?, report: @escaping @Sendable (String) -> Void) {
        subjects = [
            store.map { Subject(label: "store", name: "the store", path: $0) },
            auditLog.map { Subject(label: "audit", name: "the audit log", path: $0) },
        ].compactMap { $0 }
        self.report = report
        seen = Mutex(subjects.map { Volume(ofFileAt: $0.path) })
    }

    /// Starts the thread.
    ///
    /// - Returns: what ends it; blocks until it has ended.
    func start() throws(UVError) -> () -> Void {
        let loop = try EventLoop()
        let handles = Handles()
        do throws(UVError) {
            handles.end = try Wakeup(loop) { handles.close() }
            handles.timer = try UV.Timer(loop)
            let end = handles.end?.sender
            var alarms = subjects.map { VolumeAlarm($0.name) }
            handles.timer?.start(
                afterMilliseconds: 1, repeatMilliseconds: VolumeWatch.everyMilliseconds
            ) { [self] in look(&alarms) }
            let worker = try Worker(owning: loop, named: "volumes") { $0.run() }
            return {
                end?.wake()
                worker.join()
            }
        } catch {
            handles.close()
            loop.abandon()
            throw error
        }
    }

    private final class Handles {
        var end: Wakeup?
        var timer: UV.Timer?
        func close() {
            end?.close()
            timer?.close()
            (end, timer) = (nil, nil)
        }
    }

    private func look(_ alarms: inout [VolumeAlarm]) {
        let volumes = subjects.map { Volume(ofFileAt: $0.path) }
        seen.withLock { $0 = volumes }
        for (index, volume) in volumes.enumerated() {
            if let line = volume.flatMap({ alarms[index].observe($0) }) { report(line) }
        }
    }

    /// As it was seen last. Never waits.
    func appendMetrics(to text: inout MetricsText) {
        let volumes = seen.withLock { $0 }
        func samples(_ value: (Volume) -> Int) -> [(MetricsText.Labels, Double)] {
            zip(subjects, volumes).compactMap { subject, volume in
                volume.map { ([("of", subject.label)], Double(value($0))) }
            }
        }
        text.gauge(
            "obie_tokens_volume_free_bytes",
            "What is free on the volume of the store, or of the audit log.",
            samples(\.freeBytes))
        text.gauge(
            "obie_tokens_volume_size_bytes", "How large that volume is.", samples(\.totalBytes))
    }
}
