// Hosts that are silent, refuse, or have another name.

import Glibc
import Testing
import Tokens

@testable import PostgresStore

@Suite struct HostTests {
    @Test(arguments: [
        ([("host", "db.example")], "db.example"), ([("host", "127.0.0.1")], nil),
        ([("host", "::1")], nil), ([("host", "/run/postgresql")], nil),
        ([("host", "db.example"), ("hostaddr", "127.0.0.1")], nil), ([("port", "5432")], nil),
    ])
    func onlyNamesAreLookedUp(keywords: [(String, String)], name: String?) {
        #expect(Host(keywords).name == name)
    }

    @Test func whatWasGivenGoesFirst() {
        let keywords = Host([("host", "h"), ("gssencmode", "require")]).keywords("127.0.0.1")
        #expect(keywords.filter { $0.0 == "gssencmode" }.map(\.1) == ["require"])
        #expect(keywords.contains { $0 == ("target_session_attrs", "read-write") })
        #expect(keywords.contains { $0 == ("hostaddr", "127.0.0.1") })
    }

    @Test func pausesDoubleAfterAllHostsHaveFailed() {
        var pause = ReconnectPause(hosts: 2) { limit in limit }
        var pauses: [UInt64] = []
        var hosts: [Int] = []
        for _ in 0..<12 {
            pauses.append(pause.next())
            hosts.append(pause.host)
        }
        #expect(pauses == [50, 0, 100, 0, 200, 0, 400, 0, 800, 0, 1000, 0])
        #expect(hosts == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
        pause.succeeded()
        #expect(pause.next() == 50)
        #expect(pause.host == 1)
    }

    @Test func storeWithoutHostsIsRefused() {
        #expect(throws: StoreFailure.self) {
            try PostgresDatabase(hosts: [], nodeID: [1]) { _ in }
        }
    }
}

extension OnPostgres {
    @Suite struct SilentHostTests {
        /// The first host takes the connection and says nothing.
        @Test func nextHostIsTriedAfterASilentOne() throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(listener) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            unsafe withUnsafeMutablePointer(to: &address) { pointer in
                let raw = unsafe UnsafeMutableRawPointer(pointer).assumingMemoryBound(
                    to: sockaddr.self)
                _ = unsafe bind(listener, raw, size)
                _ = listen(listener, 16)
                _ = unsafe getsockname(listener, raw, &size)
            }
            let port = UInt16(bigEndian: address.sin_port)
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            let good = try TestDatabase.keywords(schema: rig.schema)
            let silent = [
                ("host", "127.0.0.1"), ("port", "\(port)"), ("user", "x"), ("dbname", "x"),
            ]
            let refusing = [("host", "127.0.0.1"), ("port", "1"), ("user", "x"), ("dbname", "x")]
            let database = try PostgresDatabase(
                hosts: [refusing, silent, good], nodeID: [9]
            ) { [lines = rig.lines] in lines.add($0) }
            defer { database.close() }
            try rig.wait("the third host") { database.isAvailable }
            #expect(rig.lines.texts.first?.contains("127.0.0.1:1: ") == true)
            #expect(rig.lines.texts.contains { $0.contains(":\(port): no connection within 2 s") })
            try rig.wait("the line of it") { rig.lines.texts.last == "the database answers again" }
        }
    }
}
