// What commands do with the files of a store in SQLite, and what they say of it.

import SQLiteStore
import System
import Tokens

extension SQLiteChoice {
    func backUp(keys: String, to destination: String) throws(ProgramFailure) {
        try SQLiteChoice.explaining { () throws(StoreFailure) in
            try Backup.make(of: StoreSet(store: file, keys: keys), to: destination)
        }
    }

    func restore(
        from backup: String, keys: String, keepsTokens: Bool, takesRegistry: Bool
    ) throws(ProgramFailure) -> [String] {
        let outcome = try SQLiteChoice.explaining { () throws(StoreFailure) in
            try Restore(StoreSet(store: file, keys: keys), suffix: SQLiteChoice.aside).run(
                from: StoreSet(store: backup), keepsTokens: keepsTokens,
                takesRegistry: takesRegistry)
        }
        let tokens = "\(outcome.tokens) access token\(outcome.tokens == 1 ? "" : "s")"
        let codes = "\(outcome.codes) code\(outcome.codes == 1 ? "" : "s")"
        return moved(outcome) + [
            "restored \(file) from \(backup)",
            outcome.keepsTokens
                ? "warning: \(tokens) of the backup are good again, also those that were revoked since; "
                    + "\(codes), all CCG tokens and whatever was issued since are void"
                : "void are \(tokens) and \(codes) of the backup, all CCG tokens, and whatever was "
                    + "issued since",
            outcome.keepsRegistry
                ? "the registry stayed: it is newer than the backup's, or the same"
                : (outcome.isRegistryDamaged ? "the registry that was there is damaged; " : "")
                    + "the registry is the backup's: look through `obie-tokens fi list` and `obie-tokens psp "
                    + "list`, since what was registered, disabled, revoked or given a new secret after "
                    + "the backup is not in it",
            outcome.keepsKeys
                ? "the keys stayed: they open what the backup's do"
                : outcome.addsKeys
                    ? "the keys that were there go on sealing; the backup's stand behind them, see "
                        + "`obie-tokens keys list`" : "the keys are the backup's",
        ] + lossOfFigures(outcome, instead: "those of the backup")
    }

    func reset() throws(ProgramFailure) -> [String] {
        let outcome = try SQLiteChoice.explaining { () throws(StoreFailure) in
            try Restore(StoreSet(store: file), suffix: SQLiteChoice.aside).begin()
        }
        return moved(outcome) + [
            "\(file) is a new, empty store; everything that was issued is void"
                + (outcome.hasRegistry
                    ? "" : "; there is no registry: register institutions and providers anew")
        ] + lossOfFigures(outcome, instead: "none")
    }

    /// What an authority asks for cannot be counted again.
    private func lossOfFigures(_ outcome: Restore.Outcome, instead: String) -> [String] {
        guard let cause = outcome.lossOfFigures else { return [] }
        let old = outcome.moved.first { $0.from == file }?.to ?? file
        return [
            "warning: the figures of reports in \(old) cannot be read (\(cause)); \(file) has "
                + "\(instead). Keep \(old): `sqlite3 \(old) .recover` may bring some of report_days, "
                + "report_outages and report_runs back, and `obie-tokens report` of a backup has those until then"
        ]
    }

    private func moved(_ outcome: Restore.Outcome) -> [String] {
        outcome.moved.map { "moved \($0.from) to \($0.to)" }
    }

    /// Of what is moved: the time without marks, so that it is a name.
    private static var aside: String {
        let time = Timestamp.text(Clock.wallMilliseconds())
        return "before-" + time.filter { $0.isNumber || $0 == "T" || $0 == "Z" }
    }

    private static func explaining<Answer>(
        _ body: () throws(StoreFailure) -> Answer
    ) throws(ProgramFailure) -> Answer {
        do throws(StoreFailure) {
            return try body()
        } catch {
            throw ProgramFailure(error)
        }
    }
}

extension SQLiteChoice: CopyableStore {
    func refuseAbsence() throws(StoreFailure) { try SQLiteCopySource.refuseAbsence(file) }

    func copySource(_ keyring: Keyring) throws(StoreFailure) -> any CopySource {
        try SQLiteCopySource(file, keyring)
    }

    func copyTarget(_ keyring: Keyring) throws(StoreFailure) -> any CopyTarget {
        try SQLiteCopyTarget(file, keyring)
    }
}
