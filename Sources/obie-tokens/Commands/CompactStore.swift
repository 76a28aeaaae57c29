// The command that makes a store small again.

import ArgumentParser
import Tokens

struct CompactStore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Writes a store anew without what is free in it. Its server must be stopped.",
        discussion: """
            A store that this version has made gives its space back while it serves. One that 0.7.0 has \
            made does so only after this command. It needs about twice as much free disk as the store \
            has in use, and some seconds for each gigabyte.

            Exit status: 0; 64 for a wrong option; 66 where there is no store; 71 where it cannot be read or \
            written, or a server uses it; 77 where this user may not; 78 for a wrong setting, and for a \
            database.
            """)

    @OptionGroup var flags: SettingFlags<StoreSettings>

    func run() throws {
        let settings = try flags.readForStore()
        let administration = try settings.storeAdministration()
        do throws(StoreFailure) {
            let (before, after) = try administration.compact()
            let path = settings.chosenStore.place
            Program.log("\(path) has \(after) bytes now; it had \(before)")
        } catch {
            throw ProgramFailure(error)
        }
    }
}
