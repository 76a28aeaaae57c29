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

extension KeyUse {
    /// The tables of what keys seal.
    public enum Table: String, Sendable { case codes, tokens, ccgTokens = "ccg_tokens" }

    /// What is alive in one of them.
    public struct Alive: Sendable {
        let count: Int
        /// When the last of it expires; nil: something never does, or there is nothing.
        let lastEnd: Milliseconds?

        /// - Parameters:
        ///   - endless: how many of them never expire.
        ///   - lastEnd: of those that do.
        public init(count: Int64, endless: Int64, lastEnd: Milliseconds?) {
            self.count = Int(count)
            self.lastEnd = endless > 0 ? nil : lastEnd
        }
    }

    /// Counts it.
    ///
    /// - Parameters:
    ///   - now: the last time that the store has seen. A clock that is wrong for a moment must not make
    ///     anything look expired.
    ///   - alive: what of a table expires after a moment, or never.
    public init<Failure: Error>(
        now: Milliseconds, _ alive: (Table, Milliseconds) throws(Failure) -> Alive
    ) throws(Failure) {
        let codes = try alive(.codes, now - ReplayMemory.milliseconds)
        let tokens = try alive(.tokens, now)
        let ccgTokens = try alive(.ccgTokens, now)
        (self.codes, self.tokens, self.ccgTokens) = (codes.count, tokens.count, ccgTokens.count)
        let found = [codes, tokens, ccgTokens].filter { $0.count > 0 }.map(\.lastEnd)
        expiresAt = found.contains(nil) ? nil : found.compactMap { $0 }.max()
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
