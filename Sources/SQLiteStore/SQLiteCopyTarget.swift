// A new store in a file, filled from a store of another kind. It is made under other names and takes its own
// when it is whole.

import Glibc
import System
import Tokens

public final class SQLiteCopyTarget: CopyTarget {
    private let path: String
    private let keyring: Keyring
    private let lock: StoreLock
    /// Nobody else has it: whoever makes it holds the lock.
    private let draft: StoreSet
    private var database: Database?
    private var registry: Database?
    private var inserts: [CopiedTable: Statement] = [:]
    private var mode = IssuerSettings.Mode.production
    private var isDone = false

    /// - Throws: `StoreFailure` where the store or its registry is there already.
    public init(_ path: String, _ keyring: Keyring) throws(StoreFailure) {
        (self.path, self.keyring) = (path, keyring)
        draft = StoreSet(store: "\(path).copying")
        try SQLiteCopyTarget.refusePresent(path)
        lock = try StoreLock(path, for: .command)
        do {
            try SQLiteCopyTarget.refusePresent(path)
            draft.removeAll()  // of a copy that was broken off
            try Schema.makeNew(draft.store)
            let database = try Database(path: draft.store, .existing)
            // A draft that is not whole is thrown away; it is synced once, at the end.
            try database.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
            self.database = database
        } catch {
            draft.removeAll()
            lock.abandon()
            throw error as? StoreFailure ?? StoreFailure("cannot make \(path): \(error)")
        }
    }

    private static func refusePresent(_ path: String) throws(StoreFailure) {
        let registry = FileNames.registry(path)
        // A log or a journal that was left would be taken for the new file's.
        for file in [
            path, registry, FileNames.log(path), FileNames.sharedMemory(path),
            FileNames.journal(path), FileNames.journal(registry),
        ] where PrivateFile.exists(file) {
            throw StoreFailure(
                "\(file) is there already, and nothing is overwritten; choose another name",
                .existing)
        }
    }

    private func explaining<Answer>(_ body: () throws -> Answer) throws(StoreFailure) -> Answer {
        do {
            return try body()
        } catch {
            throw error as? StoreFailure ?? StoreFailure("cannot make \(path): \(error)")
        }
    }

    private func store() throws(StoreFailure) -> Database {
        guard let database else { throw StoreFailure("\(path) is closed") }
        return database
    }

    public func write(_ head: CopiedHead) throws(StoreFailure) {
        try explaining {
            let store = try store()
            mode = head.mode
            try Schema.write(mode, store)
            try KnownKeys.write(head.keys, store)
            let path = try SQLiteRegistry(store: draft.store, mode: mode, makes: true).path
            let registry = try Database(path: path, .existing)
            try registry.execute("BEGIN IMMEDIATE")
            try RegistryRows.write(
                head.registry, over: try RegistryRows.read(registry, mode), registry)
            try RegistryRows.write(id: try StoreMemory.makeID(store), registry)
            try registry.execute("COMMIT")
            try StoreMemory.remember(try RegistryRows.mark(registry), store)
            self.registry = registry
            try store.execute("BEGIN IMMEDIATE")
        }
    }

    public func append(_ rows: [CopiedRow], to table: CopiedTable) throws(StoreFailure) {
        try explaining {
            let insert = try insert(table)
            for row in rows {
                for (index, (value, column)) in zip(row, table.columns).enumerated() {
                    try SQLiteCopyTarget.bind(value, column.kind, Int32(index + 1), insert)
                }
                try insert.run()
            }
        }
    }

    private func insert(_ table: CopiedTable) throws -> Statement {
        if let insert = inserts[table] { return insert }
        let places = table.columns.map { _ in "?" }.joined(separator: ", ")
        let insert = try store().prepare(
            "INSERT INTO \(table.rawValue) (\(table.columnNames)) VALUES (\(places))")
        inserts[table] = insert
        return insert
    }

    private static func bind(
        _ value: CopiedValue, _ kind: CopiedTable.Column.Kind, _ index: Int32, _ insert: Statement
    ) throws(DatabaseError) {
        switch value {
        case .nothing: try insert.bind(index, nil as Int64?)
        case .number(let number): try insert.bind(index, number)
        case .bytes(let bytes):
            guard case .text = kind else { return try insert.bind(index, bytes) }
            try insert.bind(index, String(decoding: bytes, as: UTF8.self))
        }
    }

    public func finish() throws(StoreFailure) -> String? {
        try explaining {
            try store().execute("COMMIT")
            letGo()
            for file in [draft.store, draft.registry] { try PrivateFile.sync(file) }
            // In this order: a registry that was used, without its store, lets no server start.
            try PrivateFile.move(draft.registry, to: FileNames.registry(path))
            do {
                try PrivateFile.move(draft.store, to: path)
            } catch {
                unsafe unlink(FileNames.registry(path))
                throw error
            }
            try PrivateFile.syncFolder(of: path)
        }
        isDone = true
        return nil
    }

    /// Statements hold the file open.
    private func letGo() {
        inserts = [:]
        (database, registry) = (nil, nil)
    }

    public func close() {
        letGo()
        draft.removeAll()
        isDone ? lock.release() : lock.abandon()
    }
}

extension SQLiteCopyTarget {
    public func head() throws(StoreFailure) -> CopiedHead {
        try explaining {
            guard let registry else { throw StoreFailure("\(path) is closed") }
            return CopiedHead(
                registry: try RegistryRows.read(registry, mode),
                keys: try KnownKeys.read(try store(), keyring))
        }
    }

    public func count(of table: CopiedTable) throws(StoreFailure) -> Int {
        try table.count(in: table.rawValue, try store())
    }

    public func rows(of table: CopiedTable) throws(StoreFailure) -> any CopiedRows {
        try RowsOfFile(table, of: table.rawValue, try store(), path)
    }
}
