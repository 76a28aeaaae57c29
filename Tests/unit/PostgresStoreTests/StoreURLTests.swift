// What --store can say of a database, and what is made of it.

import Testing
import Tokens

@testable import PostgresStore

@Suite struct StoreURLTests {
    private func url(_ text: String) throws -> StoreURL { try #require(try StoreURL(text)) }

    private func keywords(
        _ text: String, password: String? = nil, hasPasswordFile: Bool = false
    ) throws -> [[String: String]] {
        ConnectionSettings(
            try url(text), password: password, hasPasswordFile: hasPasswordFile, name: "test"
        ).hosts.map { Dictionary(uniqueKeysWithValues: $0) }
    }

    @Test(arguments: ["memory", "sqlite:postgres://a@b/c", "postgres:", "", "http://a@b/c"])
    func otherStoresAreOthersBusiness(text: String) throws {
        #expect(try StoreURL(text) == nil)
    }

    @Test(arguments: [
        ("postgres://obie@db1:5433,db2/tokens", ["db1 5433", "db2 5432"]),
        ("postgresql://obie@[::1]:6000,10.0.0.1/tokens", ["::1 6000", "10.0.0.1 5432"]),
        ("postgres://obie@[fe80::1]/tokens", ["fe80::1 5432"]),
        ("postgres://obie@%2Frun%2fpostgresql/tokens", ["/run/postgresql 5432"]),
        ("postgres://obie@/tokens?host=/run/postgresql&port=5434", ["/run/postgresql 5434"]),
        ("postgres://db1/tokens", ["db1 5432"]),
    ])
    func hostsStandInTheirOrder(text: String, expected: [String]) throws {
        let url = try url(text)
        #expect(url.hosts.map { "\($0.name) \($0.port)" } == expected)
        #expect(url.database == "tokens")
        #expect(url.user == (text.contains("@") ? "obie" : nil))
    }

    static let refused = [
        ("postgres://obie:secret@db1/tokens", "ps"), ("postgres://obie:se@cret@db1/tokens", "ps"),
        ("postgres://:@db1/tokens", "ps"), ("postgres://db1/tokens?password=secret", "ps"),
        ("postgres://db1/tokens?sslpassword=secret", "ps"),
        ("postgres://obie:sec/ret@db1/tokens", "port"), ("postgres://db1", "name the database"),
        ("postgres://db1/", "name the database"), ("postgres:///tokens", "name the host"),
        ("postgres://db1,,db2/tokens", "name the host"), ("postgres://@db1/tokens", "no name"),
        ("postgres://db1:0/tokens", "65535"), ("postgres://db1:65536/tokens", "65535"),
        ("postgres://[::1/tokens", "no ]"), ("postgres://[::1]5432/tokens", "behind ]"),
        ("postgres://db1/a%2", "hexadecimal"), ("postgres://db1/a%zz", "hexadecimal"),
        ("postgres://db1/a%00", "UTF-8"), ("postgres://db1/a%ff", "UTF-8"),
        ("postgres://db1/tokens?sslmod=require", "parameter sslmod is not known"),
        ("postgres://db1/tokens?options=-c", "parameter options is not known"),
        ("postgres://db1/tokens?target_session_attrs=any", "is not known"),
        ("postgres://db1/tokens?sslmode", "has no value"),
        ("postgres://db1/tokens?sslmode=require&sslmode=disable", "twice"),
        ("postgres://db1/tokens?host=db2", "not both"),
        ("postgres://1,2,3,4,5,6,7,8,9/tokens", "too many"),
    ]

    @Test(arguments: refused)
    func mistakeIsRefusedWithoutRepeatingIt(text: String, reason: String) throws {
        let failure = try #require(throws: StoreURL.Failure.self) { try StoreURL(text) }
        #expect(failure.description.contains(reason), "\(failure)")
        #expect(!failure.description.contains("secret"))
    }

    @Test(arguments: ["localhost", "127.0.0.1", "127.8.9.10", "[::1]", "%2Frun%2Fpostgresql"])
    func loopbackNeedsNoCertificate(host: String) throws {
        let found = try keywords("postgres://a@\(host)/tokens", password: "secret")
        #expect(found[0]["sslmode"] == "prefer")
        #expect(found[0]["channel_binding"] == nil)
        #expect(found[0]["password"] == "secret")
    }

    @Test(arguments: [
        "db1", "127.0.0.1.example.com", "127.example.com", "10.0.0.1", "localhost,db",
    ])
    func elsewhereTheServerProvesItself(host: String) throws {
        for found in try keywords("postgres://a@\(host)/tokens") {
            #expect(found["sslmode"] == "verify-full")
            #expect(found["channel_binding"] == nil)
        }
        for found in try keywords("postgres://a@\(host)/tokens", password: "secret") {
            #expect(found["channel_binding"] == "require")
        }
        for found in try keywords("postgres://a@\(host)/tokens", hasPasswordFile: true) {
            #expect(found["channel_binding"] == "require")
        }
    }

    @Test func whatIsSaidCounts() throws {
        let found = try keywords(
            "postgres://a@db1,db2:6000/tokens?sslmode=disable&application_name=x%20y",
            password: "secret")
        #expect(found.map { $0["sslmode"] } == ["disable", "disable"])
        #expect(found.map { $0["channel_binding"] } == [nil, nil])
        #expect(found.map { $0["application_name"] } == ["x y", "x y"])
        #expect(found.map { $0["host"] } == ["db1", "db2"])
        #expect(found.map { $0["port"] } == ["5432", "6000"])
        #expect(found.map { $0["target_session_attrs"] } == ["read-write", "read-write"])
    }

    @Test func settingsPrintNoPassword() throws {
        let settings = ConnectionSettings(
            try url("postgres://a@db1,[::1]:6/tokens"), password: "secret", hasPasswordFile: false,
            name: "test")
        #expect("\(settings)" == "ConnectionSettings(tokens on db1:5432, [::1]:6, redacted)")
    }
}
