// One run of `store copy`: which stores, with which keys, and what people are told.

import System
import Tokens

struct Copying {
    /// Those of the store in the file: its keys, and its audit log.
    let settings: Settings
    let source: any StoreChoice & CopyableStore
    let target: any StoreChoice & CopyableStore
    private let keysPath: String

    var isIntoDatabase: Bool { target.isShared }

    /// - Throws: where the two are not of different kinds, or not named as stores.
    init(from: String, to: String, _ flags: SettingFlags<CopySettings>) throws(ProgramFailure) {
        let isFromDatabase = try Copying.choose(from, "from").isShared
        guard try Copying.choose(to, "to").isShared != isFromDatabase else {
            throw ProgramFailure(
                description:
                    "--to: one of the two must be a file and the other a database; for a copy of the same "
                    + "kind use `obie-tokens backup`, or `pg_dump`", status: 64)
        }
        let (database, file) = isFromDatabase ? (from, to) : (to, from)
        var settings = try flags.read(store: database)
        let shared = settings.chosenStore
        try settings.set(SettingsTable.rows.store, to: file, from: .flag)
        try settings.adoptServerFiles()
        try settings.checkStoreFolder()
        try settings.checkAuditFolder()
        try settings.actAsOwner(keeping: .toReadAndWrite)
        let single = settings.chosenStore
        source = try Copying.copyable(isFromDatabase ? shared : single, "from")
        target = try Copying.copyable(isFromDatabase ? single : shared, "to")
        keysPath = try settings.keysPath()
        self.settings = settings
    }

    private static func choose(_ text: String, _ name: String) throws(ProgramFailure)
        -> any StoreChoice
    {
        let choice: (any StoreChoice)?
        do throws(StoreFailure) {
            choice = try StoreKinds.choose(text)
        } catch {
            throw ProgramFailure(description: "--\(name): \(error)", status: 64)
        }
        guard let choice else {
            throw ProgramFailure(
                description: "--\(name): \(SettingValue.storeAdvice(for: text))", status: 64)
        }
        return try copyable(choice, name)
    }

    private static func copyable(
        _ choice: any StoreChoice, _ name: String
    ) throws(ProgramFailure) -> any StoreChoice & CopyableStore {
        guard let choice = choice as? any StoreChoice & CopyableStore else {
            throw ProgramFailure(
                description:
                    "--\(name): this store cannot be copied; write sqlite:PATH or postgres://…",
                status: 64)
        }
        return choice
    }

    func perform() throws(ProgramFailure) -> StoreCopy.Outcome {
        do throws(StoreFailure) {
            try source.refuseAbsence()
        } catch {
            throw ProgramFailure(error)
        }
        let keyring = try KeyFile.read(keysPath)
        do throws(StoreFailure) {
            // Before it is taken: a database counts over a connection of its own.
            try checkKeys(keyring)
            let source = try self.source.copySource(keyring)
            defer { source.close() }
            let target = try self.target.copyTarget(keyring)
            defer { target.close() }
            let progress = ProgressLines()
            return try StoreCopy(from: source, to: target) { progress.report($0) }.run()
        } catch {
            throw ProgramFailure(error)
        }
    }

    /// Something alive that no key opens would be void on every server of the new store.
    private func checkKeys(_ keyring: Keyring) throws(StoreFailure) {
        let keys = try source.administration.get().keys(keyring) { $0.missing(from: keyring) }
        if let refusal = keys?.refusal(of: keyring, store: source.place) { throw refusal }
    }

    // MARK: What people are told

    func lines(about outcome: StoreCopy.Outcome) -> [String] {
        let counts = CopiedTable.allCases.map { "\(outcome.counts[$0] ?? 0) \($0.noun)" }
        let keys =
            isIntoDatabase
            ? "copy the key file \(keysPath) to each server, and name it there with keys-file"
            : "the servers of the new store need the key file \(keysPath)"
        return [
            "copied \(source.place) to \(target.place), and both are the same: "
                + counts.joined(separator: ", ") + ", and the registry",
            "\(keys); start no server on \(source.place) any more",
        ]
    }

    func record(of outcome: StoreCopy.Outcome) -> Record {
        func count(_ table: CopiedTable) -> Record.Value { .number(outcome.counts[table] ?? 0) }
        let registry = outcome.head.registry
        return Record([
            "from": .text(source.place), "to": .text(target.place), "codes": count(.codes),
            "tokens": count(.tokens), "ccg_tokens": count(.ccgTokens),
            "revoked_consents": count(.revokedConsents),
            "institutions": .number(registry.institutions.count),
            "providers": .number(registry.providers.count),
            "clients": .number(registry.clients.count),
            "registry_version": .number(Int(registry.version)),
            "keys_file": .text(keysPath),
        ])
    }
}

/// A line once a second.
private final class ProgressLines {
    private static let everyMicroseconds = 1_000_000
    private var saidAt = Clock.monotonicMicroseconds()

    func report(_ progress: StoreCopy.Progress) {
        let now = Clock.monotonicMicroseconds()
        guard now - saidAt >= ProgressLines.everyMicroseconds else { return }
        saidAt = now
        Program.log(
            "\(progress.step.rawValue) \(progress.done) of \(progress.total) \(progress.table.noun)"
        )
    }
}
