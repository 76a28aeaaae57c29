// Hands what was counted for the reports to the store, several times a minute, and tells it each second that
// the server is alive. A thread of its own: a store may take its time, and no loop waits for it.

import Reports
import Tokens
import UV

/// Keeps the figures of one run of a server.
public final class ReportKeeper {
    /// What a killed server loses, and twice as much where a flush fails, in milliseconds.
    static let flushMilliseconds: Milliseconds = 20_000
    private static let tickMilliseconds: Milliseconds = 1000
    /// Days that wait for a store that takes nothing; then the oldest is lost.
    private static let daysMax = 31
    /// People are told of figures that could not be written for so long.
    private static let silenceMilliseconds: Milliseconds = 600_000

    private let collector: ReportCollector
    private let store: any ReportStore
    private let storeSilence: @Sendable () -> Milliseconds?
    private let now: @Sendable () -> Milliseconds
    private let report: @Sendable (String) -> Void
    private let loop: EventLoop
    private var timer: UV.Timer?
    private var stopper: Wakeup?

    private var run: ServerRun
    private var day: Int
    /// What had been counted when the day began.
    private var base: [ReportCollector.Key: ReportTotals] = [:]
    /// How many requests of the day the store has.
    private var saved: [ReportCollector.Key: Int] = [:]
    /// Of days that are over.
    private var waiting: [[DayFigures]] = []
    private var savedOutages: [Outage] = []
    private var savedAt: Milliseconds?
    private var triedAt: Milliseconds = 0
    /// The store has not taken what was last handed over.
    private var isFailing = false
    private var isTold = false

    private init(
        _ collector: ReportCollector, _ store: any ReportStore, name: String,
        storeSilence: @escaping @Sendable () -> Milliseconds?,
        now: @escaping @Sendable () -> Milliseconds, report: @escaping @Sendable (String) -> Void
    ) throws(UVError) {
        self.collector = collector
        self.store = store
        self.storeSilence = storeSilence
        self.now = now
        self.report = report
        let start = now()
        run = ServerRun(
            id: collector.run, name: name, startedAt: start, aliveUntil: start)
        day = CalendarDay.day(of: start)
        savedAt = start
        loop = try EventLoop()
    }

    /// Starts the thread, which owns the store's side from then on.
    ///
    /// - Parameters:
    ///   - name: what people call the server.
    ///   - storeSilence: nil: requests can be answered; otherwise how long ago the store has last answered. Any
    ///     thread; must not wait.
    ///   - now: milliseconds since 1970.
    ///   - report: gets a line where figures cannot be written for long. Any thread.
    /// - Returns: ends it. Call once, when no loop turns any more: it blocks until all is written, or
    ///   cannot be.
    public static func start(
        _ collector: ReportCollector, _ store: any ReportStore, name: String,
        storeSilence: @escaping @Sendable () -> Milliseconds?,
        now: @escaping @Sendable () -> Milliseconds, report: @escaping @Sendable (String) -> Void
    ) throws(UVError) -> () -> Void {
        let keeper = try ReportKeeper(
            collector, store, name: name, storeSilence: storeSilence, now: now,
            report: report)
        do throws(UVError) {
            let stopper = try Wakeup(keeper.loop) { [unowned keeper] in keeper.stop() }
            keeper.stopper = stopper
            keeper.timer = try Timer(keeper.loop)
            keeper.timer?.start(afterMilliseconds: 0) { [unowned keeper] in keeper.tick() }
            let sender = stopper.sender
            let thread = try Worker(owning: keeper, named: "reports") { $0.loop.run() }
            return {
                sender.wake()
                thread.join()
            }
        } catch {
            keeper.loop.abandon()
            throw error
        }
    }

    private func stop() {
        let now = now()
        collector.ended(at: now)
        run.stoppedAt = now
        turnDay(now)
        save(now)
        if savedAt != now {
            report(
                "the store does not take the last figures for `obie-tokens report`, so they are lost, with "
                    + "the outages that they show: ask the access log for this time")
        }
        timer?.close()
        stopper?.close()
    }

    /// At the beginning of every second, so that a day's requests are not counted to the next.
    private func tick() {
        let now = now()
        let silence = storeSilence()
        collector.look(storeSilence: silence, at: now)
        // Who is killed while nothing can be written is missed from then on: its figures and outages of since are
        // lost, and the time must not count as good.
        if silence == nil, !isFailing { store.beat(at: now) }
        turnDay(now)
        if isDue(now) { save(now) }
        let after = self.now()
        let rest = ReportKeeper.tickMilliseconds - after % ReportKeeper.tickMilliseconds
        timer?.start(afterMilliseconds: UInt64(rest)) { [unowned self] in tick() }
    }

    private func isDue(_ now: Milliseconds) -> Bool {
        guard now - triedAt < ReportKeeper.flushMilliseconds else { return true }
        // An outage that begins or ends is known at once, also where the server is killed then; and so is a store
        // that takes things again.
        return (outagesHaveChanged || isFailing)
            && now - triedAt >= ReportKeeper.tickMilliseconds
    }

    private var outagesHaveChanged: Bool {
        let now = collector.outages
        return now.map(\.startedAt) != savedOutages.map(\.startedAt)
            || now.contains { $0.endedAt != nil }
    }

    private func turnDay(_ now: Milliseconds) {
        let today = CalendarDay.day(of: now)
        guard today != day else { return }
        let totals = collector.totals
        waiting.append(figures(totals))
        if waiting.count > ReportKeeper.daysMax { waiting.removeFirst() }
        base = totals
        saved = [:]
        day = today
    }

    /// Those of the day that the store has not.
    private func figures(_ totals: [ReportCollector.Key: ReportTotals]) -> [DayFigures] {
        totals.compactMap { key, total in
            let ofDay = base[key].map { total - $0 } ?? total
            guard ofDay.requests != saved[key] ?? 0 else { return nil }
            return ofDay.figures(
                DayFigures.Key(day: day, institution: key.institution, endpoint: key.endpoint))
        }
    }

    private func save(_ now: Milliseconds) {
        triedAt = now
        run.aliveUntil = now
        if store.mayHaveLost { saved = [:] }
        let ofDay = figures(collector.totals)
        let outages = collector.outages
        let batch = ReportBatch(
            run: run, figures: waiting.flatMap { $0 } + ofDay, outages: outages)
        let failure = store.save(batch)
        isFailing = failure != nil
        if let failure { return failed(failure, now) }
        waiting = []
        for row in ofDay {
            let key = ReportCollector.Key(
                institution: row.key.institution, endpoint: row.key.endpoint)
            saved[key] = row.requests
        }
        collector.forget(outages.filter { $0.endedAt != nil })
        savedOutages = outages.filter { $0.endedAt == nil }
        savedAt = now
        if isTold { report("the figures for `obie-tokens report` can be written again") }
        isTold = false
    }

    private func failed(_ failure: String, _ now: Milliseconds) {
        let last = savedAt ?? now
        guard !isTold, now - last >= ReportKeeper.silenceMilliseconds else { return }
        isTold = true
        report(
            "the figures for `obie-tokens report` could not be written for "
                + "\((now - last) / 60_000) minutes: \(failure); they stay in memory until they can be"
        )
    }
}
