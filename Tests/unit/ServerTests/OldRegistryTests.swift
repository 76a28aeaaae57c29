// While what is registered may have changed, nobody is told anything: neither who asks, nor what for.

import CryptoForTests
import Synchronization
import Testing
import Tokens

@testable import Server

@Suite struct OldRegistryTests {
    private final class Lease: Sendable {
        let holds = Atomic(true)
    }

    @Test func everybodyGets503WhileTheRegistryMayBeOld() {
        let lease = Lease()
        let connection = AuditedConnection(isServing: { lease.holds.load(ordering: .relaxed) })
        let code = connection.newCode()
        lease.holds.store(false, ordering: .relaxed)
        #expect(connection.send(AuditedConnection.makeCode).status == 503)
        #expect(connection.send(AuditedConnection.exchange(code)).status == 503)
        // Not 401: a client that is not known here may have been registered meanwhile.
        let unknown = AuditedConnection.post("/v1/obie/tokens", "{}", credentials: "YTpi")
        #expect(connection.send(unknown).status == 503)
        for path in ["/oauth2/introspect", "/oauth2/revoke", "/v1/obie/consents/revoke"] {
            #expect(connection.send(AuditedConnection.post(path, "token=a")).status == 503)
        }
        // Who asks for nothing that is registered is answered.
        #expect(connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        #expect(connection.send("GET /v1/obie/tokens HTTP/1.1\r\nHost: x\r\n\r\n").status == 405)
        lease.holds.store(true, ordering: .relaxed)
        #expect(connection.send(AuditedConnection.exchange(code)).status == 201, "the code is good")
        #expect(connection.send(unknown).status == 401)
    }
    /// A server that hung reads the registry anew at the moment at which it may serve again.
    @Test func registryThatIsGoneByIsTheOneThatWasAskedAbout() {
        let feed = Mutex<RegistryFeed?>(nil)
        let connection = AuditedConnection(isServing: {
            feed.withLock { feed in
                feed?.publish(Registry(RegistryContent(mode: .sandbox), now: 0))
                return true
            }
        })
        let code = connection.newCode()
        feed.withLock { $0 = connection.feed }
        #expect(connection.send(AuditedConnection.exchange(code)).status == 401)
    }
}
