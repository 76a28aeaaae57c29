// The store in a SQLite file, with its registry and its keys beside it. The only file that names it.

import Crypto
import Metrics
import Reports
import SQLiteStore
import Server
import System
import Tokens
import UV

struct SQLiteChoice: StoreChoice {
    let file: String

    static let kind = StoreKind(
        name: "sqlite", form: "sqlite:path",
        advice: "sqlite: and a path such as sqlite:./obie-tokens.db"
    ) { (text) throws(StoreFailure) in
        let prefix = "sqlite:"
        guard text.hasPrefix(prefix) else { return nil }
        let path = String(text.dropFirst(prefix.count))
        if path.hasPrefix("//") { throw SQLiteChoice.slashes(path) }
        guard !path.isEmpty, !path.hasSuffix("/") else {
            throw StoreFailure(
                "the path of a file is missing behind sqlite:; write it, such as "
                    + "sqlite:./obie-tokens.db", .configuration)
        }
        return SQLiteChoice(path)
    }

    /// It is no URL: with two slashes the path would begin at the root, whatever comes behind them.
    private static func slashes(_ path: String) -> StoreFailure {
        let rest = String(path.drop { $0 == "/" })
        // What looks like a URL with a password is not repeated.
        let isPath = !rest.isEmpty && !rest.contains("@") && !rest.contains(":")
        let file = isPath ? rest : "obie-tokens.db"
        let relative = file.hasPrefix(".") ? file : "./\(file)"
        let absolute = file.drop { $0 == "." || $0 == "/" }
        return StoreFailure(
            "a path follows sqlite: without the slashes of a URL; write sqlite:\(relative) for a file "
                + "below the current folder, or sqlite:/\(absolute) for one below the root",
            .configuration)
    }

    init(_ file: String) { self.file = file }

    var path: String? { file }

    func open(
        _ keys: KeySource, _ settings: IssuerSettings, _ clock: Timekeeper,
        report: @escaping @Sendable (String) -> Void, onLoss: @escaping @Sendable () -> Void
    ) throws(ProgramFailure) -> any OpenedStore {
        do {
            var keyring: Keyring?
            let opened = try SQLiteFile(
                path: file, companions: try Companions.present(store: file, keys),
                settings: settings, now: clock.now(), report: report,
                onLoss: onLoss
            ) { isNew in
                let opened = try KeyFile.open(keys, store: file, isNew: isNew)
                keyring = opened
                return opened
            }
            guard let keyring else { preconditionFailure("no store opens without keys") }
            return try OpenedSQLite(opened, keyring, clock, report)
        } catch let failure as ProgramFailure {
            throw failure
        } catch let failure as StoreFailure {
            throw ProgramFailure(failure)
        } catch {
            throw ProgramFailure(description: "cannot open the store \(file): \(error)")
        }
    }

    var administration: Result<any StoreAdministration, StoreFailure> { .success(self) }
}

extension SQLiteChoice: StoreAdministration {
    func registry(makes: Bool) throws(StoreFailure) -> any RegistryStore {
        guard makes || SQLiteRegistry.exists(store: file) else {
            try refuseLoss()
            throw StoreFailure(
                "there is no registry beside the store \(file); `obie-tokens fi add` makes one, or "
                    + "choose the right store with --store", .absent)
        }
        return try SQLiteRegistry(store: file, mode: nil)
    }

    func refuseLoss() throws(StoreFailure) { try SQLiteRegistry.refuseLoss(store: file) }

    var newRegistry: String {
        "made a new registry for production: \(SQLiteRegistry.path(store: file))"
    }

    func keys(
        _ keyring: Keyring, of records: (KeyHistory) -> [KeyRecord]
    ) throws(StoreFailure) -> StoreKeys? {
        try KeysOfStore.read(store: file, keyring, of: records)
    }

    func whileKeysAreSettled<Answer>(_ body: () throws -> Answer) throws -> Answer {
        try KeysOfStore.whileSettled(store: file, body)
    }

    var rotation: any KeyRotating { RotationInOneStep() }

    func giveUpKey(_ key: KeyFingerprint, _ keyring: Keyring) throws(StoreFailure) {
        try KeysOfStore.giveUp(key, store: file, keyring)
    }

    func mode() throws(StoreFailure) -> IssuerSettings.Mode? {
        try SQLiteRegistry.mode(store: file)
    }

    func issueTimes() throws(StoreFailure) -> (oldest: Milliseconds?, newest: Milliseconds?)? {
        try IssueTimes(store: file).map { ($0.oldest, $0.newest) }
    }

    var serverFiles: (settings: [String: String], isRunning: Bool) {
        (ServerNotes.ofServer(store: file).settings, ServerNotes.isServerRunning(store: file))
    }

    func reports(_ days: ClosedRange<Int>) throws(StoreFailure) -> ReportContent? {
        try ReportsOfStore.read(store: file, days: days)
    }

    func damage() throws(StoreFailure) -> [String] {
        try StoreCheck.damage(of: file)
    }

    func compact() throws(StoreFailure) -> (before: Int, after: Int) {
        try Compaction.run(store: file)
    }
}

private final class OpenedSQLite: OpenedStore {
    let name = "sqlite"
    let keyring: Keyring
    private let file: SQLiteFile
    private let watch: RegistryWatcher.Watch

    /// Closes the file where it throws.
    init(
        _ file: SQLiteFile, _ keyring: Keyring, _ clock: Timekeeper,
        _ report: @escaping @Sendable (String) -> Void
    ) throws(StoreFailure) {
        self.file = file
        self.keyring = keyring
        clock.begin(notBefore: file.newestTime)
        do {
            watch = try RegistryWatcher.watch(
                file.registry, OpenSSL(), now: clock.now, report: report)
        } catch {
            file.close()
            throw error as? StoreFailure
                ?? StoreFailure(
                    "cannot watch the registry: \(error); \(ProgramFailure.shortageAdvice)")
        }
    }

    var registry: RegistryFeed { watch.feed }
    var reports: (any ReportStore)? { file.reports }
    var silence: @Sendable () -> Milliseconds? {
        { [health = file.health] in health.isGood ? nil : 0 }
    }
    var newestTime: Milliseconds? { file.newestTime }

    func note(_ settings: [String: String]) throws(ProgramFailure) {
        do throws(StoreFailure) {
            try file.note(ServerNotes(settings))
        } catch {
            throw ProgramFailure(error)
        }
    }

    func face(_ loop: EventLoop) throws(UVError) -> any TokenStore {
        try SQLiteStore(file, loop: loop)
    }

    func isStuck(longerThan milliseconds: UInt64) -> Bool {
        file.isStuck(longerThan: milliseconds)
    }

    func appendMetrics(to text: inout MetricsText) { file.appendMetrics(to: &text) }

    var migration: String? { file.migration }

    var summary: String? { file.summary }

    func close() {
        watch.stop()
        file.close()
    }
}
