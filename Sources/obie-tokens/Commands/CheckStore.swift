// The command that looks for damage in a store.

import ArgumentParser
import Tokens

struct CheckStore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reads a whole store and its registry, and names the pages that are damaged.",
        discussion: """
            A server may be using the store meanwhile. Ten million tokens take some seconds.

            Exit status: 0 where the store is whole; 1 where it is damaged; 64 for a wrong option; 66 where \
            there is none; 71 where it cannot be read; 77 where this user may not; 78 for a wrong setting, \
            and for a database, which its own tools check.
            """)

    @OptionGroup var flags: SettingFlags<StoreSettings>

    func run() throws {
        let settings = try flags.readForStore()
        let administration = try settings.storeAdministration()
        let path = settings.chosenStore.place
        let damage: [String]
        do throws(StoreFailure) {
            damage = try administration.damage()
        } catch {
            throw ProgramFailure(error)
        }
        guard damage.isEmpty else {
            for line in damage { print(line) }
            throw ProgramFailure(
                description: "\(path) or its registry is damaged; stop the server and restore a "
                    + "backup",
                status: 1)
        }
        Program.log("\(path) and its registry are whole")
    }
}
