// What commands do with a store in a PostgreSQL database, and what PostgreSQL's own tools do instead.

import PostgresStore
import Reports
import System
import Tokens

struct PostgresCommands: StoreAdministration {
    private let settings: ConnectionSettings
    private let commands: DatabaseCommands

    init(_ settings: ConnectionSettings) {
        self.settings = settings
        commands = DatabaseCommands(settings)
    }

    /// Each machine has files of its own.
    var serverFiles: (settings: [String: String], isRunning: Bool) { ([:], false) }

    /// The tables stand or fall together.
    func refuseLoss() throws(StoreFailure) {}

    func registry(makes: Bool) throws(StoreFailure) -> any RegistryStore {
        if !makes, try commands.mode() == nil {
            throw StoreFailure(
                "nobody has used the database \(settings.place) yet; `obie-tokens fi add` begins, or "
                    + "choose the right store with --store", .absent)
        }
        return try PostgresRegistry(settings, mode: nil)
    }

    var newRegistry: String {
        "the database \(settings.place) is used for production from now on"
    }

    func mode() throws(StoreFailure) -> IssuerSettings.Mode? { try commands.mode() }

    func issueTimes() throws(StoreFailure) -> (oldest: Milliseconds?, newest: Milliseconds?)? {
        try commands.issueTimes()
    }

    func keys(
        _ keyring: Keyring, of records: (KeyHistory) -> [KeyRecord]
    ) throws(StoreFailure) -> StoreKeys? {
        try commands.keys(of: records)
    }

    func whileKeysAreSettled<Answer>(_ body: () throws -> Answer) throws -> Answer {
        try commands.whileKeysAreSettled(body)
    }

    var rotation: any KeyRotating { RotationInTwoSteps(commands: commands) }

    func giveUpKey(_ key: KeyFingerprint, _ keyring: Keyring) throws(StoreFailure) {
        try commands.giveUpKey(key)
    }

    func backUp(keys: String, to destination: String) throws(ProgramFailure) {
        throw refusal(
            "copied by `pg_dump`, or by the database's continuous archiving; copy the key file \(keys) "
                + "as well, to another place")
    }

    func restore(
        from backup: String, keys: String, keepsTokens: Bool, takesRegistry: Bool
    ) throws(ProgramFailure) -> [String] {
        throw refusal(
            "brought back by `pg_restore` while no server runs; then void what was issued with `TRUNCATE "
                + "codes, tokens, ccg_tokens`, since nobody knows what was revoked after the copy")
    }

    func reset() throws(ProgramFailure) -> [String] {
        throw refusal(
            "emptied by `TRUNCATE codes, tokens, ccg_tokens` as the tables' owner, while no server runs"
        )
    }

    func reports(_ days: ClosedRange<Int>) throws(StoreFailure) -> ReportContent? {
        try commands.reports(days)
    }

    func damage() throws(StoreFailure) -> [String] {
        throw StoreFailure(refusal("checked by `pg_amcheck`").description, .configuration)
    }

    func compact() throws(StoreFailure) -> (before: Int, after: Int) {
        throw StoreFailure(
            refusal("kept small by PostgreSQL's autovacuum; `VACUUM` does it at once").description,
            .configuration)
    }

    private func refusal(_ instead: String) -> ProgramFailure {
        ProgramFailure(
            description: "a store in a database is not this command's: the database "
                + "\(settings.place) is \(instead)", status: 65)
    }
}

extension PostgresChoice: MigratingStore {
    func migrate(servingRole: String?) throws(StoreFailure) -> [String] {
        let outcome = try Migrations.run(
            try settings(for: "migration"), servingRole: servingRole)
        let tables =
            switch outcome.before {
            case 0: "\(place) has the tables now, version \(outcome.after)"
            case outcome.after: "\(place) has the tables of version \(outcome.after) already"
            default: "\(place) has version \(outcome.after) now; it had \(outcome.before)"
            }
        return [tables] + (servingRole.map { ["the role \($0) may use them"] } ?? [])
    }
}

extension PostgresChoice: CopyableStore {
    /// It is asked when it is read.
    func refuseAbsence() throws(StoreFailure) {}

    func copySource(_ keyring: Keyring) throws(StoreFailure) -> any CopySource {
        try PostgresCopySource(try settings(for: "copy"))
    }

    func copyTarget(_ keyring: Keyring) throws(StoreFailure) -> any CopyTarget {
        try PostgresCopyTarget(try settings(for: "copy"))
    }
}

/// Several servers: each must open what a key seals before one of them seals with it.
private struct RotationInTwoSteps: KeyRotating {
    let commands: DatabaseCommands

    func rotate(
        _ keyring: Keyring, adding key: SealingKey
    ) throws(StoreFailure) -> KeyRotationStep {
        switch try commands.rotation(keyring) {
        case .begins:
            let name = key.fingerprint.short
            return KeyRotationStep(
                keyring: keyring.followed(by: Keyring(key)), change: "new key \(name), which opens",
                advice:
                    "has a new key, \(name), which opens and does not seal yet: copy the file to "
                    + "all servers, restart them one after the other, and run `obie-tokens keys "
                    + "rotate` again")
        case .mayGoOn(let waiting):
            let name = waiting.short
            return KeyRotationStep(
                keyring: keyring.sealing(with: waiting), change: "new sealing key \(name)",
                advice:
                    "has the key \(name) in front, which all servers open: copy the file to all "
                    + "servers and restart them one after the other; each seals with it then")
        case .waits(let waiting, let servers):
            throw StoreFailure(
                "the key \(waiting.short) cannot seal yet, since it is not opened by the server "
                    + servers.joined(separator: " and the server ")
                    + ": copy the key file there, and restart it", .configuration)
        }
    }
}
