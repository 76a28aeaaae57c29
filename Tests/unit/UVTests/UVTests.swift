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

    @Test func whatFailedHalfwayIsClosed() throws {
        weak var timer: UV.Timer?
        weak var loop: EventLoop?
        do {
            let started = try EventLoop()
            loop = started
            let ticking = try UV.Timer(started)
            ticking.start(afterMilliseconds: 0, repeatMilliseconds: 1) { Issue.record("it ran") }
            timer = ticking
            _ = try Wakeup(started) {}
            started.abandon()
            #expect(!ticking.isOpen)
        }
        #expect(timer == nil)
        #expect(loop == nil, "dropped, which an open handle would have ended the process for")
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
