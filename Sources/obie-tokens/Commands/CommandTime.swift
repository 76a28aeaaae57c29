// The time that a command writes down. It runs for a moment, so it has no steady clock to go by.

import System
import Tokens

extension StoreAdministration {
    /// The wall clock, but not before the last time that the store has seen: a moment that has
    /// been seen has passed.
    func now() throws(StoreFailure) -> Milliseconds {
        max(Clock.wallMilliseconds(), try issueTimes()?.newest ?? 0)
    }
}

extension Settings {
    /// The same, for the audit log: a store that cannot be read keeps nothing from being written down.
    func timeOfRecord() -> Milliseconds {
        do {
            return try storeAdministration().now()
        } catch {
            Program.log("warning: the audit log gets the wall clock's time: \(error)")
            return Clock.wallMilliseconds()
        }
    }
}
