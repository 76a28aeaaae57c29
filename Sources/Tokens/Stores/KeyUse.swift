// What in a store is alive by one key.

/// What a key is needed for, as far as the store has seen the time: what has expired since is counted
/// as long as the store has it.
public struct KeyUse: Equatable, Sendable {
    /// Used codes too, as long as their replay is recognised.
    public var codes = 0
    public var tokens = 0
    public var ccgTokens = 0
    /// When the last of it expires; nil: something never does, or there is nothing.
    public var expiresAt: Milliseconds?

    public init() {}

    public var isNothing: Bool { codes == 0 && tokens == 0 && ccgTokens == 0 }

    /// In words.
    public var sentence: String {
        func count(_ number: Int, _ noun: String) -> String {
            "\(number) \(noun)\(number == 1 ? "" : "s")"
        }
        return count(tokens, "token") + ", " + count(codes, "code") + " and "
            + count(ccgTokens, "CCG token")
    }
}

/// What a store knows of its keys.
public struct StoreKeys: Sendable {
    public let history: KeyHistory
    /// Of each key in the history.
    public let uses: [KeyFingerprint: KeyUse]

    public init(history: KeyHistory, uses: [KeyFingerprint: KeyUse]) {
        self.history = history
        self.uses = uses
    }

    public func use(of fingerprint: KeyFingerprint) -> KeyUse { uses[fingerprint] ?? KeyUse() }

    /// Keys that are not in the key file, though something alive needs them.
    public func missing(from keyring: Keyring) -> [KeyRecord] {
        history.missing(from: keyring).filter { !use(of: $0.fingerprint).isNothing }
    }

    /// Why a server cannot use the store with these keys: it would refuse what is alive in it.
    ///
    /// - Parameter store: its name.
    public func refusal(of keyring: Keyring, store: String) -> StoreFailure? {
        if history.isForeign(keyring) {
            return StoreFailure(
                "the key file does not belong to the store \(store), which was never used with any "
                    + "key in it: bring back the one that was beside the store, or name it "
                    + "(keys-file). Where it is lost for good, retire its keys by force, which voids "
                    + "what they sealed", .configuration)
        }
        guard let missing = missing(from: keyring).first else { return nil }
        let key = missing.fingerprint.short
        return StoreFailure(
            "the key \(key) is missing from the key file, and "
                + "\(history.isExact(missing) ? "" : "up to ")\(use(of: missing.fingerprint).sentence) "
                + "of the store \(store) need it: bring back a key file that has it. Or stop "
                + "the server and retire the key by force, which voids them", .configuration
        )
    }
}
