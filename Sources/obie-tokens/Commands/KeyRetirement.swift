// When a key may go: nothing alive needs it, and no server seals with it, now or after its next start.

import System
import Tokens

/// One key that is to go.
struct KeyRetirement {
    private let settings: Settings
    private let administration: any StoreAdministration
    private let digits: String
    private let isForced: Bool

    init(_ settings: Settings, _ digits: String, isForced: Bool) throws(ProgramFailure) {
        self.settings = settings
        try Settings.actAsOwner(ofFirst: [try settings.keysPath()])
        administration = try settings.administrationAsWeAre()
        self.digits = digits
        self.isForced = isForced
    }

    /// What is gone, and what is void with it, in words.
    typealias Outcome = (key: KeyFingerprint, void: String)

    func perform() throws -> Outcome {
        let path = try settings.keysPath()
        do {
            return try isForced
                ? force(path) : administration.whileKeysAreSettled { try retire(path) }
        } catch let failure as StoreFailure {
            throw ProgramFailure(failure)
        }
    }

    private func retire(_ path: String) throws -> Outcome {
        var found: KeyFingerprint?
        try KeyFile.change(path) { keyring in
            try settings.checkKeys(keyring)
            let (key, keys) = try find(keyring)
            found = key
            if keys?.history.seals(key) == true {
                throw refusal(
                    "\(key.short) was the key that seals when the server started last: restart the "
                        + "server with the new key first")
            }
            if let use = keys?.use(of: key), !use.isNothing { throw needed(key, use, keys) }
            return try rest(keyring, key)
        }
        guard let found else { preconditionFailure("it was found, or an error was thrown") }
        return (found, "")
    }

    /// A key that is missing from the file is given up all the same: so a store goes on whose keys are lost
    /// for good.
    private func force(_ path: String) throws -> Outcome {
        let keyring = try KeyFile.read(path)
        let (key, keys) = try find(keyring)
        guard keyring.fingerprints.contains(key) else { return try giveUp(key, keys, keyring) }
        var outcome: Outcome = (key, "")
        try KeyFile.change(path) { keyring in
            let rest = try rest(keyring, key)
            // First: where a crash comes in between, the key in the file does no harm.
            outcome = try giveUp(key, keys, keyring)
            return rest
        }
        return outcome
    }

    private func giveUp(
        _ key: KeyFingerprint, _ keys: StoreKeys?, _ keyring: Keyring
    ) throws -> Outcome {
        guard let keys else { return (key, "") }
        try administration.giveUpKey(key, keyring)
        let use = keys.use(of: key)
        return (key, use.isNothing ? "" : "; void with it: \(use.sentence)")
    }

    /// The key that the digits mean, in the file or missing from it.
    private func find(_ keyring: Keyring) throws -> (KeyFingerprint, StoreKeys?) {
        let wanted = digits.lowercased()
        let keys = try settings.storeKeys(keyring) { history in
            history.records.filter { $0.fingerprint.text.hasPrefix(wanted) }
        }
        let all = keyring.fingerprints + (keys?.history.records.map(\.fingerprint) ?? [])
        let found = Set(all.filter { $0.text.hasPrefix(wanted) })
        guard wanted.count >= 8, found.count == 1, let key = found.first else {
            throw refusal(
                wanted.count < 8
                    ? "\(digits) is too short for a key; write at least 8 digits"
                    : found.isEmpty
                        ? "there is no key \(digits); `obie-tokens keys list` shows those there are"
                        : "\(digits) may be several keys; write more digits")
        }
        if !isForced, !keyring.fingerprints.contains(key) {
            throw refusal("the key \(key.short) is not in the key file; there is nothing to do")
        }
        return (key, keys)
    }

    private func rest(_ keyring: Keyring, _ key: KeyFingerprint) throws -> Keyring {
        guard keyring.fingerprints[0] != key, let rest = keyring.removing(key) else {
            throw refusal(
                "\(key.short) is the key that seals from the next start on: rotate first "
                    + "(`obie-tokens keys rotate`)")
        }
        return rest
    }

    private func needed(
        _ key: KeyFingerprint, _ use: KeyUse, _ keys: StoreKeys?
    ) -> ProgramFailure {
        let isExact = keys.flatMap { keys in keys.history[key].map(keys.history.isExact) } ?? true
        let end =
            use.expiresAt.map { "the last expires \(Timestamp.text($0))" }
            ?? "some never expire"
        return refusal(
            "\(isExact ? "" : "up to ")\(use.sentence) need the key \(key.short), and \(end); wait "
                + "for that, or void them with --force")
    }

    private func refusal(_ reason: String) -> ProgramFailure {
        ProgramFailure(description: "\(reason). Nothing was changed", status: 65)
    }
}
