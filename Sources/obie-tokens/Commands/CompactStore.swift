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
