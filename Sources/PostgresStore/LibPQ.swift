// Whether PostgreSQL's client library is on this machine: it is loaded when a database is named, and not before.

import CPostgres
import Glibc
import System
import Tokens

enum LibPQ {
    /// Loads the library, and takes its variables out of the environment. Before there are threads.
    ///
    /// - Throws: `StoreFailure` that says what to do where it is not there.
    static func load() throws(StoreFailure) {
        guard obie_libpq_is_there() == 0 else {
            // libpq would mix them with what the address says: another host, another schema, another wait.
            return Environment.forget(prefix: "PG", butFor: ["PGPASSFILE"])
        }
        // The C library's text, which the next call on this thread overwrites.
        let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "it is older than 14"
        throw StoreFailure(
            "a store in PostgreSQL needs libpq 14 or newer, and it is not here: \(reason); install it, "
                + "on Debian with `apt-get install libpq5`", .configuration)
    }
}
