// A database that is copied, and one that is made by a copy.

import CryptoForTests
import Testing
import Tokens

@testable import PostgresStore

@Suite struct ArrayValueTests {
    @Test func arraysSayTheirTypeAndTheirElements() {
        let head: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
        #expect(
            SQLValue.numbers([258, nil]).content == head + [
                20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2, 255, 255, 255, 255,
            ])
        #expect(
            SQLValue.manyBytes([[7], nil, []]).content == head + [
                17, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 7, 255, 255, 255, 255, 0, 0, 0, 0,
            ])
        #expect(SQLValue.numbers([]).content == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20])
        #expect(SQLValue.number(-2).content == [255, 255, 255, 255, 255, 255, 255, 254])
    }
}

@Suite(.enabled(if: RealDatabase.url != nil), .serialized) struct CopyTests {
    private static func head(_ mode: IssuerSettings.Mode = .production) throws -> CopiedHead {
        var registry = RegistryContent(mode: mode)
        _ = try registry.apply { content in
            _ = try content.addInstitution(
                "PSDGB-FCA-1", clientID: "one", secret: SecretDigest(of: [1]))
            try content.setInstitution("PSDGB-FCA-1", isDisabled: true)
            try content.addProvider("PSDGB-FCA-2", redirectURIs: ["https://a.example/"])
            try content.removeProvider("PSDGB-FCA-2")
        }
        let key = PostgresRegistryTests.key(1).fingerprint
        return CopiedHead(
            registry: registry,
            keys: KeyHistory([KeyRecord(fingerprint: key, from: nil, until: nil)]))
    }

    /// Rows in the order of the key; among them what is NULL, negative, not UTF-8, or nothing.
    private static func rows(_ table: CopiedTable, _ count: Int) -> [CopiedRow] {
        (0..<count).map { number in
            table.columns.enumerated().map { index, column in
                switch column.kind {
                case .smallNumber: .number(3)
                case .number:
                    (index > 9 || table == .tokens && index > 6) && number % 3 == 0
                        ? .nothing : .number(Int64(number - 2))
                case .text, .bytes:
                    index == 1 || table == .revokedConsents
                        ? .bytes([UInt8(number >> 8), UInt8(number & 255)])
                        : .bytes(number % 2 == 0 ? [] : [0, 255])
                }
            }
        }
    }

    private func fill(_ rig: RegistryRig, finishes: Bool = true) throws {
        let target = try PostgresCopyTarget(rig.settings)
        defer { target.close() }
        try target.write(try Self.head())
        for table in CopiedTable.allCases {
            try target.append(Self.rows(table, 300), to: table)
            #expect(try target.count(of: table) == 300)
        }
        #expect(try target.head() == Self.head())
        if finishes { #expect(try target.finish() == nil) }
    }

    @Test func databaseHasWhatWasCopied() throws {
        let rig = try RegistryRig()
        try fill(rig)
        let source = try PostgresCopySource(rig.settings)
        defer { source.close() }
        #expect(try source.head() == Self.head())
        for table in CopiedTable.allCases {
            let rows = try source.rows(of: table)
            let expected = Self.rows(table, 300)
            #expect(try rows.next(299) == Array(expected.prefix(299)))
            #expect(try rows.next(2) == [expected[299]])
            #expect(try rows.next(2).isEmpty)
        }
    }

    /// Whose exchange it is matters only while servers run.
    private let ownColumn = "attempt"

    /// A column, or a table, that a later version adds must not be left behind.
    @Test(arguments: CopiedTable.allCases)
    func everyColumnIsTakenAlong(table: CopiedTable) throws {
        let rig = try RegistryRig()
        let names = try rig.session().run(
            """
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = '\(table.rawValue)'::regclass AND attnum > 0 AND NOT attisdropped
            """
        ).compactMap { $0.text(0) }.filter { !(table == .codes && $0 == ownColumn) }
        #expect(names.sorted() == table.columns.map(\.name).sorted())
        #expect(TokenTables.names == CopiedTable.allCases.map(\.rawValue))
        withExtendedLifetime(rig) {}
    }

    @Test func copyThatDoesNotFinishLeavesNothing() throws {
        let rig = try RegistryRig()
        try fill(rig, finishes: false)
        try PostgresCopyTarget(rig.settings).close()
        #expect(throws: StoreFailure.self) { try PostgresCopySource(rig.settings) }
    }

    @Test func nothingIsOverwritten() throws {
        let rig = try RegistryRig()
        try fill(rig)
        let failure = try #require(throws: StoreFailure.self) {
            try PostgresCopyTarget(rig.settings)
        }
        #expect(failure.kind == .existing)
        let session = try rig.session()
        try session.script("TRUNCATE codes, tokens, ccg_tokens, revoked_consents")
        let other = try #require(throws: StoreFailure.self) {
            try PostgresCopyTarget(rig.settings)
        }
        #expect(other.kind == .existing && other.description.contains("registry"))
    }

    @Test func otherModeIsRefused() throws {
        let rig = try RegistryRig()
        _ = try PostgresRegistry(rig.settings, mode: .production)
        let target = try PostgresCopyTarget(rig.settings)
        defer { target.close() }
        let failure = try #require(throws: StoreFailure.self) {
            try target.write(try Self.head(.sandbox))
        }
        #expect(failure.kind == .configuration)
    }

    @Test func runningServersAreNamed() throws {
        let rig = try RegistryRig()
        let node = Node(id: [1], name: "db9.example:8080", version: "test")
        try Nodes.add(node, [], registryVersion: nil, try rig.session())
        let failure = try #require(throws: StoreFailure.self) {
            try PostgresCopyTarget(rig.settings)
        }
        #expect(failure.description.contains("db9.example:8080"))
    }

    /// While it is copied, nobody begins, and nobody writes.
    @Test func othersWait() throws {
        let rig = try RegistryRig()
        try fill(rig)
        let source = try PostgresCopySource(rig.settings)
        let other = try rig.session()
        try other.script("SET lock_timeout = 50")
        for sql in [
            "SELECT pg_advisory_xact_lock(\(DatabaseKeys.startLock))",
            "DELETE FROM tokens",
            "SELECT value FROM meta WHERE name = 'registry_version' FOR UPDATE",
        ] {
            let error = try #require(throws: SessionError.self) { try other.script(sql) }
            #expect(error.state == "55P03", "\(sql)")
        }
        source.close()
        try other.script("DELETE FROM tokens")
    }
}
