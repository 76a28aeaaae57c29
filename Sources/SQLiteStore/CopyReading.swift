// The rows of a store in a file, for a copy into a store of another kind.

import Tokens

/// Steps through one statement.
final class RowsOfFile: CopiedRows {
    private let path: String
    private let kinds: [CopiedTable.Column.Kind]
    private let select: Statement
    private var isOver = false

    /// - Parameter relation: a table, or a select in brackets.
    init(
        _ table: CopiedTable, of relation: String, _ database: Database, _ path: String
    ) throws(StoreFailure) {
        self.path = path
        kinds = table.columns.map(\.kind)
        let key = table.columns.prefix(2).map(\.name).joined(separator: ", ")
        do throws(DatabaseError) {
            select = try database.prepare(
                "SELECT \(table.columnNames) FROM \(relation) ORDER BY \(key)")
        } catch {
            throw StoreFailure("cannot read \(path): \(error)")
        }
    }

    func next(_ count: Int) throws(StoreFailure) -> [CopiedRow] {
        var rows: [CopiedRow] = []
        rows.reserveCapacity(count)
        do throws(DatabaseError) {
            while !isOver, rows.count < count {
                guard try select.step() else {
                    select.reset()
                    isOver = true
                    break
                }
                rows.append(row())
            }
        } catch {
            throw StoreFailure("cannot read \(path): \(error)")
        }
        return rows
    }

    private func row() -> CopiedRow {
        kinds.indices.map { index in
            let column = Int32(index)
            guard !select.isNull(column) else { return .nothing }
            return switch kinds[index] {
            case .number, .smallNumber: .number(select.integer(column))
            // The bytes of a text are as they are in the file.
            case .text, .bytes: .bytes(select.blob(column))
            }
        }
    }
}

extension CopiedTable {
    func count(in relation: String, _ database: Database) throws(StoreFailure) -> Int {
        do throws(DatabaseError) {
            return Int(try database.integer("SELECT count(*) FROM \(relation)"))
        } catch {
            throw StoreFailure("cannot count \(noun): \(error)")
        }
    }
}
