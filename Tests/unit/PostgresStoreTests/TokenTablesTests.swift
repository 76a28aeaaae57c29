// The tables of codes and tokens, as they are written down.

import Testing

@testable import PostgresStore

@Suite struct TokenTablesTests {
    @Test(arguments: TokenTables.names)
    func everyTableIsMade(name: String) {
        #expect(TokenTables.sql.contains("CREATE TABLE \(name) ("))
    }
}
