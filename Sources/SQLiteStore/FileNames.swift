// The files of a store by their names.

enum FileNames {
    static func registry(_ store: String) -> String { "\(store).registry" }
    static func lock(_ store: String) -> String { "\(store).lock" }
    static func keys(_ store: String) -> String { "\(store).keys" }
    static func log(_ store: String) -> String { "\(store)-wal" }
    static func sharedMemory(_ store: String) -> String { "\(store)-shm" }
    static func journal(_ database: String) -> String { "\(database)-journal" }

    /// What to do where nothing can be brought back.
    static let wayOut =
        "`obie-tokens restore` puts a backup there; `obie-tokens reset` begins with an empty store, and "
        + "everything that was issued is void then"
}
