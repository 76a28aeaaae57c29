// Moves files, and moves them back where that fails half-way.

import Glibc
import System
import Tokens

/// One who has the lock of the store moves its files away, and others in their place.
struct Relocation {
    /// What has been moved, in this order.
    private(set) var moves: [(from: String, to: String)] = []

    /// Moves a file that is there; nothing where it is not.
    ///
    /// - Throws: `StoreFailure`, also where `target` is there already.
    mutating func move(_ path: String, to target: String) throws(StoreFailure) {
        guard PrivateFile.exists(path) else { return }
        do throws(PrivateFile.Failure) {
            try PrivateFile.move(path, to: target)
        } catch {
            throw StoreFailure("cannot move \(path) to \(target): \(error)")
        }
        moves.append((path, target))
    }

    /// Moves a store away, with its log: the two stay one database.
    mutating func moveStore(_ store: String, to target: String) throws(StoreFailure) {
        // The file first: until the new one is there, a start finds none, and says so.
        try move(store, to: target)
        try move(FileNames.log(store), to: FileNames.log(target))
        try move(FileNames.sharedMemory(store), to: FileNames.sharedMemory(target))
    }

    func undo() {
        for (from, to) in moves.reversed() { unsafe rename(to, from) }
    }

    /// Names are on disk when their folders are.
    func sync() throws(StoreFailure) {
        do throws(PrivateFile.Failure) {
            for (from, to) in moves {
                try PrivateFile.syncFolder(of: from)
                try PrivateFile.syncFolder(of: to)
            }
        } catch {
            throw StoreFailure("cannot sync \(error)")
        }
    }
}
