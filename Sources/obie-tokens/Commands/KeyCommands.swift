// Commands about the keys that seal codes and tokens: make a file, add a key, see what is needed, drop
// what is not.

import ArgumentParser
import Crypto
import System
import Tokens

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes, rotates, lists and retires the keys that seal codes and tokens.",
        discussion: """
            A server reads its keys when it starts, and never again: what these commands change counts \
            from its next start on. No command drops a key that something alive may need.

            With a store in a file the keys lie beside it, and --store names both. With a store in a \
            database nothing lies beside it: name the key file as well (--keys-file), and copy what \
            these commands change to every server.

            Exit status: 0; 64 for a wrong option; 65 for what cannot be done; 71 if the store cannot be \
            read; 73 if a file cannot be made; 77 if the keys may not be read; 78 for keys that are \
            missing, belong to another store, or are open to other users.
            """,
        subcommands: [Create.self, Rotate.self, ListKeys.self, Retire.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a file with a new key, for LoadCredential= or --keys-file.",
            discussion: "Only this user may read it. The command never touches an existing file.")

        @Argument(help: "The file. It must not exist yet.")
        var file: String

        func run() throws {
            try KeyFile.create(file)
            Program.log("made \(file) with a new key; keep it as safe as the store itself")
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a new key that seals. The old keys still open what they sealed.",
            discussion: """
                The server of a store in a file uses it from its next start on.

                Servers that share a store in a database need two steps. The first adds a key that opens and does not \
                seal yet: copy the file to all servers, and restart them. The second, the same \
                command once more, lets it seal; it is refused while a server does not open the key.
                """)

        @OptionGroup var flags: SettingFlags<StoreAndKeysSettings>

        func run() throws {
            let key = SealingKey(OpenSSL(), random: SystemRandom.fill)
            let settings = try flags.readForStore()
            try settings.checkAuditFolder()
            let path = try settings.keysPath()
            try Settings.actAsOwner(ofFirst: [path])
            let rotation = try settings.administrationAsWeAre().rotation
            var count = 0
            var (change, advice) = ("", "")
            try KeyFile.change(path) { keyring in
                try settings.checkKeys(keyring)
                let step: KeyRotationStep
                do throws(StoreFailure) {
                    step = try rotation.rotate(keyring, adding: key)
                } catch {
                    throw ProgramFailure(error)
                }
                (change, advice) = (step.change, step.advice)
                count = step.keyring.keys.count
                return step.keyring
            }
            try settings.record(change)
            Program.log("\(path) \(advice)")
            if count >= 16 {
                Program.log(
                    "it has \(count) keys now; `obie-tokens keys list` says which nothing needs any "
                        + "more, and `keys retire` drops them")
            }
        }
    }

    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drops a key that nothing alive needs.",
            discussion: """
                Refused while something that is alive may have been sealed with it, and while a server \
                seals with it. With --force, and while no server runs, everything that it has sealed \
                is void, for good. Copy the file to all servers of a store in a database afterwards.
                """)

        @Argument(help: "The key, as `obie-tokens keys list` names it; 8 digits are enough.")
        var fingerprint: String

        @Flag(help: "Void what it has sealed. Not while a server runs.")
        var force = false

        @OptionGroup var flags: SettingFlags<StoreAndKeysSettings>

        func run() throws {
            let settings = try flags.readForStore()
            try settings.checkAuditFolder()
            let retired = try KeyRetirement(settings, fingerprint, isForced: force).perform()
            try settings.record("sealing key \(retired.key.short) retired\(retired.void)")
            Program.log("the key \(retired.key.short) is retired\(retired.void)")
        }
    }
}

extension Settings {
    /// What the store knows of its keys; nil where there is no store yet.
    ///
    /// - Parameter records: those whose use is counted.
    func storeKeys(
        _ keyring: Keyring, of records: (KeyHistory) -> [KeyRecord]
    ) throws(ProgramFailure) -> StoreKeys? {
        let administration = try administrationAsWeAre()
        do throws(StoreFailure) {
            return try administration.keys(keyring, of: records)
        } catch {
            throw ProgramFailure(error)
        }
    }

    /// - Throws: where a server could not use the store with these keys.
    func checkKeys(_ keyring: Keyring) throws(ProgramFailure) {
        let keys = try storeKeys(keyring) { $0.missing(from: keyring) }
        if let refusal = keys?.refusal(of: keyring, store: self.chosenStore.place) {
            throw ProgramFailure(refusal)
        }
    }
}
