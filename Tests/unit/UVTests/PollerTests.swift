// A descriptor that somebody else owns: two connected sockets of the kernel.

import Glibc
import Testing

@testable import UV

@Suite struct PollerTests {
    private final class Pair {
        let (ours, theirs): (Int32, Int32)
        init() {
            var ends: [Int32] = [-1, -1]
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
            (ours, theirs) = (ends[0], ends[1])
        }
        func send() { #expect(unsafe write(theirs, [1], 1) == 1) }
        func read() -> Int {
            var byte: [UInt8] = [0]
            return unsafe Glibc.read(ours, &byte, 1)
        }
        deinit {
            close(ours)
            close(theirs)
        }
    }

    /// None for a failure.
    private static func events(_ result: Result<Poller.Events, UVError>) -> Poller.Events {
        switch result {
        case .success(let events): events
        case .failure: []
        }
    }

    private func turn(_ loop: EventLoop) { for _ in 0..<5 { loop.runOnce() } }

    @Test func descriptorBecomesReadableAndIsToldOfUntilItIsRead() throws {
        let (loop, pair) = (try EventLoop(), Pair())
        defer { loop.abandon() }
        var events: [Result<Poller.Events, UVError>] = []
        let poller = try Poller(loop, pair.ours) { events.append($0) }
        pair.send()
        turn(loop)
        #expect(events.isEmpty, "nothing is watched yet")
        poller.watch(.readable)
        loop.runOnce()
        loop.runOnce()
        #expect(events == [.success(.readable), .success(.readable)])
        #expect(pair.read() == 1)
        events = []
        turn(loop)
        #expect(events.isEmpty)
        #expect(pair.read() == -1, "it does not block")
        #expect(errno == EAGAIN)
    }

    @Test func interestChangesInsideTheCall() throws {
        let (loop, pair) = (try EventLoop(), Pair())
        defer { loop.abandon() }
        var events: [Poller.Events] = []
        var poller: Poller?
        poller = try Poller(loop, pair.ours) { result in
            let now = Self.events(result)
            events.append(now)
            poller?.watch(now == .writable ? .readable : [])
        }
        poller?.watch(.writable)
        turn(loop)
        #expect(events == [.writable])
        pair.send()
        turn(loop)
        #expect(events == [.writable, .readable], "an empty set watches for nothing")
    }

    @Test func bothInterestsCanBeReadyAtOnce() throws {
        let (loop, pair) = (try EventLoop(), Pair())
        defer { loop.abandon() }
        var events: [Poller.Events] = []
        let poller = try Poller(loop, pair.ours) { events.append(Self.events($0)) }
        pair.send()
        poller.watch([.readable, .writable])
        loop.runOnce()
        #expect(events == [[.readable, .writable]])
    }

    @Test func endOfThePeerIsToldOf() throws {
        let (loop, pair) = (try EventLoop(), Pair())
        defer { loop.abandon() }
        var events: [Poller.Events] = []
        var poller: Poller?
        poller = try Poller(loop, pair.ours) { result in
            events.append(Self.events(result))
            poller?.stop()
        }
        poller?.watch([.disconnected, .readable])
        shutdown(pair.theirs, Int32(SHUT_WR))
        turn(loop)
        #expect(events == [[.disconnected, .readable]])
        poller = nil
    }

    /// What libuv has already fetched from the kernel in this turn is not told of either.
    @Test(arguments: [true, false])
    func nothingComesAfterStopOrClose(closes: Bool) throws {
        let loop = try EventLoop()
        let pairs = [Pair(), Pair()]
        var pollers: [Poller] = []
        var calls = 0
        for pair in pairs {
            pollers.append(
                try Poller(loop, pair.ours) { _ in
                    calls += 1
                    for poller in pollers { closes ? poller.close() : poller.stop() }
                })
            pair.send()
        }
        for poller in pollers { poller.watch(.readable) }
        turn(loop)
        #expect(calls == 1)
        for poller in pollers { poller.watch(closes ? .readable : []) }
        for poller in pollers { poller.close() }
        loop.run()
    }

    /// The owner closes at once, and the kernel gives the number to somebody else.
    @Test func ownerMayCloseAfterClose() throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        var calls = 0
        var pair: Pair? = Pair()
        let old = try #require(pair?.ours)
        let poller = try Poller(loop, old) { _ in Issue.record("the old one is closed") }
        poller.watch(.readable)
        turn(loop)
        poller.close()
        let fresh = Pair()
        // Takes the place of the old one, as the next connection of a library may.
        #expect(dup2(fresh.ours, old) == old)
        let next = try Poller(loop, old) { _ in calls += 1 }
        next.watch(.readable)
        fresh.send()
        loop.runOnce()
        #expect(calls == 1)
        next.close()
        pair = nil
    }

    @Test func pollerIsFreedWithWhatItHolds() throws {
        let (loop, pair) = (try EventLoop(), Pair())
        weak var watched: Poller?
        weak var held: Pair?
        do {
            let holds = Pair()
            held = holds
            let poller = try Poller(loop, pair.ours) { _ in _ = holds }
            poller.watch(.readable)
            watched = poller
        }
        turn(loop)
        #expect(watched != nil, "an open handle keeps itself")
        watched?.close()
        #expect(held == nil, "what the closure held goes at once")
        loop.run()
        #expect(watched == nil)
    }

    @Test func whatCannotBeWatchedIsRefused() throws {
        let (loop, pair) = (try EventLoop(), Pair())
        defer { loop.abandon() }
        #expect(throws: UVError(code: -EBADF)) { try Poller(loop, -1) { _ in } }
        let file = unsafe open("/proc/self/exe", O_RDONLY)
        defer { close(file) }
        #expect(throws: UVError(code: -EPERM)) { try Poller(loop, file) { _ in } }
        let first = try Poller(loop, pair.ours) { _ in }
        first.watch(.readable)
        #expect(throws: UVError(code: -EEXIST)) { try Poller(loop, pair.ours) { _ in } }
    }

    /// A connection that is refused: the poller says that something is wrong, the socket says what.
    @Test func failedConnectionIsToldOfOnce() throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        let unused = try BoundSocket(try SocketAddress("127.0.0.1:0"), sharesPort: false)
        defer { unused.close() }
        let target = try #require(unused.address)
        let client = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        defer { close(client) }
        var storage = sockaddr_storage()
        #expect(unsafe target.fill(&storage) == 0)
        // Only for the time of the call.
        unsafe withUnsafePointer(to: &storage) { pointer in
            _ = unsafe connect(
                client, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        var events: [Result<Poller.Events, UVError>] = []
        let poller = try Poller(loop, client) { events.append($0) }
        poller.watch(.writable)
        for _ in 0..<50 { loop.runOnce() }
        #expect(events == [.failure(UVError(code: -EBADF))])
        var cause: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(client, SOL_SOCKET, SO_ERROR, &cause, &length)
        #expect(cause == ECONNREFUSED)
        poller.close()
    }
}
