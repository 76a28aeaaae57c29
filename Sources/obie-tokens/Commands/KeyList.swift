// obie-tokens keys list: which keys there are, and what each is needed for.

import ArgumentParser
import System
import Tokens

struct ListKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the keys, the newest first, and what alive each is needed for.",
        discussion: """
            A key's fingerprint is made of the key and tells nothing about it.

            What a key has sealed is counted by issue times, since nothing in the store names its key. \
            The count is exact where the key alone sealed in its time. It says "at most" where several \
            keys share a time: those that a store was used with before it kept count (0.7.0), and one \
            that was put in front again by hand. What has expired counts until the server has removed \
            it, and what was revoked as a whole counts until it expires.

            Without the store nobody knows what a key is needed for: the list says "unknown" then, and \
            null in JSON. Name the store that the keys are for with --store.

            Exit status 78 where a server could not start with these keys; they are listed all the same.
            """)

    @OptionGroup var flags: SettingFlags<StoreAndKeysSettings>
    @OptionGroup var output: OutputOption

    func run() throws {
        let settings = try flags.readForStore()
        try settings.checkStoreFolder()
        try settings.actAsOwner()
        let keyring = try KeyFile.read(try settings.keysPath())
        let keys = try settings.storeKeys(keyring) { $0.records }
        let now = Clock.wallMilliseconds()
        let rows = KeyRows(
            keyring: keyring, keys: keys ?? StoreKeys(history: KeyHistory(), uses: [:]),
            hasStore: keys != nil)
        try output.print(rows.all.map { rows.record($0, now) })
        if keys == nil {
            Program.log(
                "\(settings.chosenStore.place) is not there, so nobody knows what these keys are needed "
                    + "for; name their store with --store")
        }
        if let refusal = keys?.refusal(of: keyring, store: settings.chosenStore.place) {
            throw ProgramFailure(refusal)
        }
    }
}

/// The keys of a file and of its store, to be printed.
struct KeyRows {
    let keyring: Keyring
    let keys: StoreKeys
    /// Somebody knows what the keys have sealed.
    var hasStore = true

    /// Those in the file, and those that are missing from it and were needed.
    var all: [KeyFingerprint] {
        var all: [KeyFingerprint] = []
        for key in keyring.fingerprints where !all.contains(key) { all.append(key) }
        let isForeign = keys.history.isForeign(keyring)
        let missing = keys.history.missing(from: keyring).map(\.fingerprint)
        return all + missing.filter { isForeign || !keys.use(of: $0).isNothing }
    }

    private func state(_ key: KeyFingerprint) -> String {
        guard hasStore else { return "unknown" }
        let isInFront = keyring.fingerprints[0] == key
        let seals = keys.history.seals(key)
        guard keyring.fingerprints.contains(key) else { return "missing" }
        return switch (isInFront, seals) {
        case (true, true): "seals"
        case (true, false): "seals from the next start on"
        case (false, true): "seals until the next start"
        case (false, false): "opens"
        }
    }

    private func age(_ known: KeyRecord?, _ now: Milliseconds) -> String {
        guard hasStore else { return "unknown" }
        guard let known else { return "never used" }
        guard let from = known.from else { return "unknown" }
        let days = max(0, now - from) / 86_400_000
        return "\(days) day\(days == 1 ? "" : "s")"
    }

    func record(_ key: KeyFingerprint, _ now: Milliseconds) -> Record {
        let known = keys.history[key]
        let use = keys.use(of: key)
        let isExact = known.map(keys.history.isExact) ?? true
        return Record([
            "fingerprint": .text(key.short),
            "state": .text(state(key)),
            "first_use": .text(known?.from.map(Timestamp.text)),
            "age": .text(age(known, now)),
            "tokens": .count(hasStore ? use.tokens : nil),
            "codes": .count(hasStore ? use.codes : nil),
            "ccg_tokens": .count(hasStore ? use.ccgTokens : nil),
            "counted": .text(hasStore ? (isExact ? "exactly" : "at most") : nil),
        ])
    }
}
