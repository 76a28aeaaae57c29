// What the store's file says of itself and of the registry that it was used with.

import System
import Tokens

struct StoreMemory {
    /// nil: of 0.7.0 or older.
    let id: Int64?
    /// The newest state of the registry that was taken over; nil: none, or by 0.7.0 or older.
    let registry: RegistryMark?
    /// A server has run on it, and has had a registry then; or it was made for one.
    let hasServed: Bool

    init(_ database: Database) throws(DatabaseError) {
        id = try StoreMemory.text("id", database).flatMap { Int64($0) }
        let numbers = try StoreMemory.text("registry", database)?.split(separator: " ")
            .compactMap { Int64($0) }
        if let numbers, numbers.count == 2 {
            registry = RegistryMark(id: id, version: numbers[0], nextNumber: numbers[1])
        } else {
            registry = nil
        }
        let mode = try StoreMemory.text("mode", database)
        hasServed = registry != nil || mode != nil
    }

    /// Reads it for a command, while a server may be using the store; nil where there is no store yet.
    /// Leaves no file behind that was not there.
    ///
    /// - Throws: `StoreFailure` where the file is none of ours, or cannot be read.
    static func read(_ store: String) throws(StoreFailure) -> StoreMemory? {
        guard try Schema.mark.isThere(store) else { return nil }
        do throws(DatabaseError) {
            return try StoreMemory(try Database.reading(store))
        } catch {
            throw StoreFailure("cannot read the store \(store): \(error)")
        }
    }

    /// The state of the registry before all requests that will see it.
    static func remember(_ mark: RegistryMark, _ database: Database) throws(DatabaseError) {
        try write("registry", "\(mark.version) \(mark.nextNumber)", database)
    }

    /// Makes a store the one of a registry that is there.
    static func join(_ mark: RegistryMark, _ database: Database) throws(DatabaseError) {
        guard let id = mark.id else { return }
        try write("id", "\(id)", database)
        try remember(mark, database)
    }

    /// The id of the store, drawn where it has none.
    static func makeID(_ database: Database) throws(DatabaseError) -> Int64 {
        if let id = try StoreMemory(database).id { return id }
        var bytes = [UInt8](repeating: 0, count: 8)
        SystemRandom.fill(&bytes)
        let id = bytes.reduce(0) { $0 << 8 | Int64($1) } & .max
        try write("id", "\(id)", database)
        return id
    }

    // MARK: Rows of `meta`

    private static func text(_ name: String, _ database: Database) throws(DatabaseError) -> String?
    {
        let select = try database.prepare("SELECT value FROM meta WHERE name = ?")
        try select.bind(1, name)
        defer { select.reset() }
        return try select.step() ? String(decoding: select.blob(0), as: UTF8.self) : nil
    }

    private static func write(
        _ name: String, _ value: String, _ database: Database
    ) throws(DatabaseError) {
        let insert = try database.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)")
        try insert.bind(1, name)
        try insert.bind(2, Array(value.utf8))
        try insert.run()
    }
}
