// What --store can say. Knows no store; those there are stand in StoreKinds.

import Reports
import System
import Tokens

/// A store that somebody has chosen, and not opened. Any thread.
protocol StoreChoice: Sendable {
    /// Where its files begin, so that keys and the audit log can lie beside them; nil: it has none.
    var path: String? { get }
    /// Several servers may use it. Nothing lies beside it, so keys and the audit log have to be named.
    var isShared: Bool { get }
    /// For people.
    var place: String { get }

    /// The same, reached as the other settings say.
    func reached(by access: StoreAccess) -> any StoreChoice

    /// Opens it for a server.
    ///
    /// - Parameters:
    ///   - clock: begins not before the last time that the store has seen.
    ///   - report: gets a line each time the store fails or recovers. Any thread.
    ///   - onLoss: is called where the disk has lost changes, and the process has to end. Any thread.
    func open(
        _ keys: KeySource, _ settings: IssuerSettings, _ clock: Timekeeper,
        report: @escaping @Sendable (String) -> Void, onLoss: @escaping @Sendable () -> Void
    ) throws(ProgramFailure) -> any OpenedStore

    /// What commands can do with it; or why they cannot.
    var administration: Result<any StoreAdministration, StoreFailure> { get }
}

extension StoreChoice {
    var isShared: Bool { false }
    var place: String { path ?? "the store" }

    func reached(by access: StoreAccess) -> any StoreChoice { self }
}

/// What commands do with a store, while a server may be using it. Blocks.
protocol StoreAdministration: Sendable {
    /// What its server has set, or the last one has, of the files beside the store, by the name of the
    /// setting; and whether it is running.
    var serverFiles: (settings: [String: String], isRunning: Bool) { get }

    /// Opens its registry.
    ///
    /// - Parameter makes: whether a registry is made where there is none.
    func registry(makes: Bool) throws(StoreFailure) -> any RegistryStore

    /// A registry that is lost must not be made anew.
    ///
    /// - Throws: `StoreFailure` where there is none, though the store was used with one.
    func refuseLoss() throws(StoreFailure)

    /// What people are told once a registry was made.
    var newRegistry: String { get }

    /// The mode that it was made in; nil where it has no registry yet.
    func mode() throws(StoreFailure) -> IssuerSettings.Mode?

    /// When what it has was issued; nil where there is no such store: no server has used it.
    func issueTimes() throws(StoreFailure) -> (oldest: Milliseconds?, newest: Milliseconds?)?

    /// What it knows of its keys, as it stands at one moment; nil where there is no store yet.
    ///
    /// - Parameters:
    ///   - keyring: the keys that it is used with.
    ///   - records: those whose use is counted, which takes a second for millions of tokens.
    func keys(
        _ keyring: Keyring, of records: (KeyHistory) -> [KeyRecord]
    ) throws(StoreFailure) -> StoreKeys?

    /// Runs `body` while no server begins to use other keys: none is running and none can start, or one
    /// has started, and has written down which key it seals with.
    func whileKeysAreSettled<Answer>(_ body: () throws -> Answer) throws -> Answer

    /// How a new key becomes the one that seals.
    var rotation: any KeyRotating { get }

    /// Voids what a key has sealed: its absence is no fault any more.
    ///
    /// - Throws: while a server uses the store.
    func giveUpKey(_ key: KeyFingerprint, _ keyring: Keyring) throws(StoreFailure)

    /// Copies it with its registry and its keys; all three are on disk then, or none is there.
    func backUp(keys: String, to destination: String) throws(ProgramFailure)

    /// Puts a backup in its place. No server may be using it.
    ///
    /// - Returns: what was done, in lines for people.
    func restore(
        from backup: String, keys: String, keepsTokens: Bool, takesRegistry: Bool
    ) throws(ProgramFailure) -> [String]

    /// Puts an empty one in its place, for the same registry. No server may be using it.
    ///
    /// - Returns: what was done, in lines for people.
    func reset() throws(ProgramFailure) -> [String]

    /// What the reports of some days are made of; nil where there is no store yet.
    func reports(_ days: ClosedRange<Int>) throws(StoreFailure) -> ReportContent?

    /// Reads all of it.
    ///
    /// - Returns: what is damaged, in the store's own words; empty where it is whole.
    func damage() throws(StoreFailure) -> [String]

    /// Writes it anew without what is free in it. No server may use it.
    ///
    /// - Returns: its bytes before and after.
    func compact() throws(StoreFailure) -> (before: Int, after: Int)
}

/// A store whose tables somebody else than its server makes.
protocol MigratingStore {
    /// Makes them, or brings them up to date. Blocks.
    ///
    /// - Parameter servingRole: may use them from then on, and not change them.
    /// - Returns: what was done, in lines for people.
    func migrate(servingRole: String?) throws(StoreFailure) -> [String]
}

/// A store that can be copied into one of another kind, and filled from one.
protocol CopyableStore {
    /// Before its keys are looked for: who has misspelt it must not look for them.
    ///
    /// - Throws: `StoreFailure` where it is a file that is not there.
    func refuseAbsence() throws(StoreFailure)

    /// Takes it, so that nobody else uses it until it is closed.
    func copySource(_ keyring: Keyring) throws(StoreFailure) -> any CopySource

    /// Takes or makes it; it must be empty.
    func copyTarget(_ keyring: Keyring) throws(StoreFailure) -> any CopyTarget
}

/// A kind of store.
struct StoreKind: Sendable {
    /// What stands before the first colon, or the whole text.
    let name: String
    /// As --help has it, such as `sqlite:path`.
    let form: String
    /// What to write, for whom has written something else.
    let advice: String
    /// nil where the text means another kind.
    ///
    /// - Throws: where it means this one, and cannot be used. The sentence does not repeat the text.
    let choose: @Sendable (String) throws(StoreFailure) -> (any StoreChoice)?
}

extension StoreKind {
    /// A kind of store that has a name, and nothing else to say.
    static func named(_ name: String, _ choice: any StoreChoice) -> StoreKind {
        StoreKind(name: name, form: name, advice: name) { $0 == name ? choice : nil }
    }
}
