// The store that was chosen, open, with what belongs to it.

import SQLiteStore
import Server
import System
import Tokens
import UV

struct OpenedStore {
    let keyring: Keyring
    let registry: RegistryFeed
    /// nil: in memory.
    let file: SQLiteFile?
    /// What an event loop sees of it.
    let face: (EventLoop) throws(UVError) -> any TokenStore

    /// - Parameter report: gets a line each time the store fails or recovers. Any thread.
    init(
        _ options: Settings, _ settings: IssuerSettings,
        report: @escaping @Sendable (String) -> Void
    ) throws(ProgramFailure) {
        switch options.store {
        case .memory:
            keyring = Keyring(SealingKey(random: SystemRandom.fill))
            let store = MemoryStore(
                codeLifetime: settings.codeLifetime, tokenLifetime: settings.tokenLifetime)
            face = { _ in store }
            registry = RegistryFeed(settings.mode == .sandbox ? .sandbox : .empty)
            file = nil
        case .sqlite(let path):
            keyring = try KeyFile.open(options.keysFile, store: path)
            let opened: SQLiteFile
            do throws(SQLiteStoreFailure) {
                opened = try SQLiteFile(
                    path: path, keyring: keyring, settings: settings, report: report)
            } catch {
                throw ProgramFailure(description: error.description)
            }
            face = { (loop) throws(UVError) in try SQLiteStore(opened, loop: loop) }
            registry = opened.registry
            file = opened
        }
    }
}
