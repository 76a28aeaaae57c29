// A start that fails: by what is lacking, and with everything closed again.

import CryptoForTests
import System
import Testing
import Tokens
import UV

@testable import Server

@Suite struct StartTests {
    /// Counts its faces, each with a handle on its loop.
    private final class Faces {
        var opened = 0
        var closed = 0
    }

    private final class Face: TokenStore {
        private let inner = MemoryStore(codeLifetime: 60_000, tokenLifetime: nil)
        private let wakeup: Wakeup
        private let faces: Faces

        init(_ loop: EventLoop, _ faces: Faces) throws(UVError) {
            self.faces = faces
            wakeup = try Wakeup(loop) {}
            faces.opened += 1
        }

        func close() {
            wakeup.close()
            faces.closed += 1
        }

        var isAvailable: Bool { true }
        func insert(
            _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
        ) { inner.insert(code, completion: completion) }
        func redeem(
            _ attempt: Redemption,
            completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
        ) { inner.redeem(attempt, completion: completion) }
        func token(
            _ id: Identifier, now: Milliseconds,
            completion: @escaping (Result<AccessToken?, StoreError>) -> Void
        ) { inner.token(id, now: now, completion: completion) }
        func revoke(
            _ candidates: [Identifier], of institutions: Set<Institution.ID>,
            completion: @escaping (Result<AccessToken?, StoreError>) -> Void
        ) { inner.revoke(candidates, of: institutions, completion: completion) }
        func revoke(
            _ consent: ConsentRevocation, now: Milliseconds,
            completion: @escaping (Result<Void, StoreError>) -> Void
        ) { inner.revoke(consent, now: now, completion: completion) }
        func insert(
            _ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void
        ) { inner.insert(token, completion: completion) }
        func ccgToken(
            _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
        ) { inner.ccgToken(id, completion: completion) }
        func removeExpired(
            now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
        ) { inner.removeExpired(now: now, completion: completion) }
    }

    private static let lacking = UVError(code: -24)

    /// - Parameter fails: whether this face, counted from 0, opens a handle and then fails.
    private func start(
        _ faces: Faces, listen: String = "127.0.0.1:0", admin: String = "127.0.0.1:0",
        loops: Int = 3, _ fails: (Int) -> Bool = { _ in false }
    ) throws(StartFailure) -> Server {
        let configuration: ServerConfiguration
        do {
            configuration = ServerConfiguration(
                listen: try SocketAddress(listen), adminListen: try SocketAddress(admin),
                loops: loops)
        } catch {
            preconditionFailure("\(error)")
        }
        return try Server(
            configuration,
            makeStore: { loop throws(UVError) in
                if fails(faces.opened) {
                    let halfway = try Timer(loop)
                    halfway.start(afterMilliseconds: 0, repeatMilliseconds: 1) {}
                    throw Self.lacking
                }
                return try Face(loop, faces)
            },
            makeIssuer: { face in
                TokenIssuer(
                    registry: RegistryFeed(.sandbox), settings: IssuerSettings(), store: face,
                    keyring: Keyring(SealingKey(random: SystemRandom.fill)),
                    random: RandomPool(fill: SystemRandom.fill))
            })
    }

    /// The first is the main loop's.
    @Test(arguments: 0..<4) func startThatFailsHalfwayClosesWhatItOpened(number: Int) {
        let faces = Faces()
        #expect(throws: StartFailure.files(Self.lacking)) { try start(faces) { $0 == number } }
        #expect(faces.opened == number)
        #expect(faces.closed == number)
    }

    @Test(arguments: [false, true]) func takenAddressIsNamedWithItsOption(isAdmin: Bool) throws {
        let other = try EventLoop()
        defer { other.abandon() }
        let taken = try TCPListener(
            other, try SocketAddress("127.0.0.1:0"), sharesPort: false
        ) { $0.close() }
        defer { taken.close() }
        let address = try #require(taken.boundAddress).description
        let faces = Faces()
        let option = isAdmin ? "--admin-listen" : "--listen"
        #expect(throws: StartFailure.address(address, option: option, .addressInUse)) {
            if isAdmin {
                try start(faces, admin: address)
            } else {
                try start(faces, listen: address)
            }
        }
        #expect(faces.opened == faces.closed)
    }

    @Test func startedServerStopsAndClosesEveryFace() throws {
        let faces = Faces()
        let server = try start(faces)
        server.stop()
        server.run()
        #expect(faces.opened == 4)
        #expect(faces.closed == 4)
    }

    @Test func moreLoopsThanFilesAreRefusedBeforeAnythingIsOpened() {
        let faces = Faces()
        let limit = Machine.raiseDescriptorLimit()
        let loops = limit / 9 + 1
        let needed = ServerLimits.descriptors(connections: loops, loops: loops)
        #expect(
            throws: StartFailure.descriptors(
                wanted: "\(loops) event loops need", needed: needed, limit: limit,
                option: "--loops")
        ) { try start(faces, loops: loops) }
        #expect(faces.opened == 0)
    }

    @Test(arguments: [
        (
            StartFailure.address("1.2.3.4:80", option: "--listen", .addressInUse),
            "1.2.3.4:80 is in use by another process; stop that one, or choose another address "
                + "with --listen"
        ),
        (
            .descriptors(
                wanted: "8 event loops need", needed: 136, limit: 24, option: "--loops"),
            "8 event loops need 136 open files, and the limit is 24; raise it (ulimit -n, "
                + "LimitNOFILE=) or lower --loops"
        ),
        (
            .sockets(UVError(code: -24)),
            "cannot open another socket: too many open files (EMFILE); allow more (ulimit -n, "
                + "LimitNOFILE=), or lower --loops"
        ),
        (
            .files(UVError(code: -23)),
            "cannot open another file: file table overflow (ENFILE); the whole machine has no more "
                + "(fs.file-max); lower --loops"
        ),
        (
            .threads(UVError(code: -11)),
            "cannot start another thread: resource temporarily unavailable (EAGAIN); allow more "
                + "(ulimit -u, TasksMax=), or lower --loops"
        ),
    ])
    func failureSaysWhatToDo(failure: StartFailure, sentence: String) {
        #expect(failure.description == sentence)
    }
}
