// A part of a real database for one test, with the tables in it: a schema of its own.

import Foundation
import Testing
import Tokens

@testable import PostgresStore

/// Tests that need a real database run where this variable names one, such as
/// postgres://postgres@127.0.0.1:5432/postgres. Its role may make schemas there.
enum RealDatabase {
    static let variable = "TEST_POSTGRES_URL"
    static let url = ProcessInfo.processInfo.environment[variable]
}

/// Gone with the test.
final class RegistryRig {
    let settings: ConnectionSettings
    private let schema: String
    private let plain: ConnectionSettings

    init(migrates: Bool = true) throws {
        let text = try #require(RealDatabase.url)
        let url = try #require(try StoreURL(text))
        plain = try ConnectionSettings(url, .library, name: "test")
        schema = "t_" + UUID().uuidString.lowercased().replacing("-", with: "_")
        settings = plain.with("options", "-csearch_path=\(schema)")
        try Connector(plain, timeoutMilliseconds: 5000).connect().script("CREATE SCHEMA \(schema)")
        if migrates { _ = try Migrations.run(settings, servingRole: nil) }
    }

    deinit {
        do throws(SessionError) {
            try session().script("DROP SCHEMA \(schema) CASCADE")
        } catch {
            Issue.record("the schema stays: \(error)")
        }
    }

    func session() throws(SessionError) -> BlockingSession {
        try Connector(settings, timeoutMilliseconds: 5000).connect()
    }
}

extension ConnectionSettings {
    /// With one keyword more, for each host.
    fileprivate func with(_ name: String, _ value: String) -> ConnectionSettings {
        ConnectionSettings(hosts: hosts.map { $0 + [(name, value)] }, place: place)
    }
}
