// libuv's face: handles live as long as they must, and no longer.

import Synchronization
import Testing

import System
@testable import UV

@Suite struct HandleTests {
    @Test func handleLivesUntilItsCloseCallback() throws {
        let loop = try EventLoop()
        weak var watched: UV.Timer?
        do {
            let timer = try UV.Timer(loop)
            watched = timer
        }
        #expect(watched != nil, "an open handle keeps itself")
        watched?.close()
        #expect(watched?.isOpen == false, "it closes, and the close callback runs on the loop")
        loop.run()
        #expect(watched == nil, "a closed handle is freed")
    }

    @Test func closingTwiceIsClosingOnce() throws {
        let loop = try EventLoop()
        weak var watched: UV.Timer?
        do {
            let timer = try UV.Timer(loop)
            watched = timer
            timer.close()
            timer.close()
        }
        loop.run()
        #expect(watched == nil, "a second close would end the loop's own count of handles")
    }

    @Test func timerFiresOnceOrRepeatedly() throws {
        let loop = try EventLoop()
        let (once, many) = (try UV.Timer(loop), try UV.Timer(loop))
        var (onces, manys) = (0, 0)
        once.start(afterMilliseconds: 1) { onces += 1 }
        many.start(afterMilliseconds: 1, repeatMilliseconds: 1) {
            manys += 1
            if manys == 3 {
                many.close()
                once.close()
            }
        }
        loop.run()
        #expect(onces == 1)
        #expect(manys == 3)
    }

    @Test func wakeupCrossesThreadsAndIsHarmlessWhenClosed() throws {
        let loop = try EventLoop()
        var wakes = 0
        var wakeup: Wakeup?
        wakeup = try Wakeup(loop) {
            wakes += 1
            wakeup?.close()
        }
        let sender = try #require(wakeup?.sender)
        let worker = try Worker(owning: sender, named: "test") { $0.wake() }
        loop.run()
        worker.join()
        #expect(wakes == 1)
        sender.wake()
    }

    @Test func turnEndsOnceHoweverMuchItBrought() throws {
        let loop = try EventLoop()
        var ends: [String] = []
        let turnEnd = try BeforeWait(loop) { ends.append("end") }
        for delay in [0, 0, 500] as [UInt64] {
            let timer = try Timer(loop)
            timer.start(afterMilliseconds: delay) {
                ends.append("timer")
                timer.close()
            }
        }
        loop.runOnce()
        #expect(ends == ["timer", "timer", "end"])
        turnEnd.close()
        loop.run()
        #expect(ends.filter { $0 == "timer" }.count == 3)
        #expect(ends.filter { $0 == "end" }.count == 1)
    }

    /// Whether it is to listen or only to bind, and whether the first shares its port or not.
    @Test(arguments: [(true, false), (false, false), (true, true), (false, true)])
    func secondListenerOnAPortIsRefused(listens: Bool, firstShares: Bool) throws {
        let loop = try EventLoop()
        let address = try SocketAddress("127.0.0.1:0")
        let first = try TCPListener(loop, address, sharesPort: firstShares) { $0.close() }
        #expect(first.boundPort > 0)
        let taken = address.with(port: first.boundPort)
        #expect(throws: UVError.addressInUse) {
            try TCPListener(loop, taken, sharesPort: false, listens: listens) { $0.close() }
        }
        first.close()
        loop.run()
    }

    @Test func boundPortIsFreeAgain() throws {
        let loop = try EventLoop()
        let address = try SocketAddress("127.0.0.1:0")
        let bound = try TCPListener(loop, address, sharesPort: false, listens: false) { $0.close() }
        let port = bound.boundPort
        #expect(port > 0)
        bound.close()
        loop.run()
        let second = try TCPListener(loop, address.with(port: port), sharesPort: true) {
            $0.close()
        }
        #expect(second.boundPort == port)
        second.close()
        loop.run()
    }
}

@Suite struct AddressTests {
    @Test(arguments: ["127.0.0.1:8080", "0.0.0.0:0", "[::1]:65535", "[::]:80"])
    func addressIsRead(text: String) throws {
        #expect(try SocketAddress(text).description == text)
    }

    @Test func localhostIsTheLoopbackAddress() throws {
        #expect(try SocketAddress("localhost:1").description == "127.0.0.1:1")
    }

    @Test(arguments: [
        "", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "::1:80", "[127.0.0.1]:80", "example.org:80", "[::1]", "256.0.0.1:1",
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: SocketAddress.Malformed.self) { try SocketAddress(text) }
    }
}

@Suite struct UVErrorTests {
    @Test func errorHasItsName() {
        #expect(UVError.addressInUse.name == "EADDRINUSE")
        #expect(UVError.addressInUse.description == "address already in use (EADDRINUSE)")
    }
}
