// The way of jobs and answers between loops and threads: bounds, and the end.

import Synchronization
import Testing
import UV

@testable import StoreThreads

@Suite struct ParcelTests {
    @Test func fullQueueTakesNothingAndForgetsNothing() throws {
        let loop = try EventLoop()
        let wakeup = try Wakeup(loop) {}
        defer {
            wakeup.close()
            loop.run()
        }
        let mailbox = Mailbox<Int> { [sender = wakeup.sender] in sender.wake() }
        let queue = ParcelQueue<Int, Int>(jobsMax: 5)
        #expect(queue.add(Parcel(jobs: [1, 2], mailbox: mailbox)))
        #expect(!queue.add(Parcel(jobs: [3, 4, 5, 6], mailbox: mailbox)))
        #expect(queue.add(Parcel(jobs: [3, 4, 5], mailbox: mailbox)))
        #expect(!queue.add(Parcel(jobs: [6], mailbox: mailbox)))
        #expect(queue.take()?.flatMap { Array($0.jobs) } == [1, 2, 3, 4, 5])
        #expect(queue.add(Parcel(jobs: [6], mailbox: mailbox)))
        queue.close()
        #expect(!queue.add(Parcel(jobs: [7], mailbox: mailbox)))
        #expect(queue.take()?.flatMap { Array($0.jobs) } == [6])
        #expect(queue.take() == nil)
    }

    @Test func restingThreadIsNotWokenUntilItHasTaken() {
        let wakes = Atomic(0)
        let queue = ParcelQueue<Int, Int>(jobsMax: 9) { wakes.add(1, ordering: .relaxed) }
        func add(_ job: Int) -> Int {
            #expect(queue.add(Parcel(jobs: [job], mailbox: Mailbox<Int>())))
            return wakes.load(ordering: .relaxed)
        }
        #expect(add(1) == 1)
        #expect(add(2) == 1, "one wake for all that is there")
        queue.rest()
        #expect(queue.takeAll().flatMap { Array($0.jobs) } == [1, 2])
        queue.rest()
        #expect(add(3) == 1)
        #expect(queue.takeAll().flatMap { Array($0.jobs) } == [3])
        #expect(add(4) == 2)
        queue.rest()
        queue.close()
        #expect(wakes.load(ordering: .relaxed) == 3, "the end is told all the same")
    }

    @Test func whoeverFindsTheQueueFullIsToldAndTheOthersGetTheirOwnAnswers() throws {
        let loop = try EventLoop()
        var collect: () -> Void = {}
        let wakeup = try Wakeup(loop) { collect() }
        defer {
            wakeup.close()
            loop.run()
        }
        let queue = ParcelQueue<Int, Int>(jobsMax: 3)
        let asker = Asker(queue, wakeup.sender, refusal: -1)
        collect = { asker.collect() }
        var answers: [String] = []
        for turn in [[1, 2], [3, 4], [5]] {
            for job in turn { asker.ask(job) { answers.append("\(job): \($0)") } }
            asker.send()
        }
        #expect(answers == ["3: -1", "4: -1"])
        let parcels = try #require(queue.take())
        Parcel.answer(parcels, parcels.map { $0.jobs.map { $0 * 10 } })
        loop.runOnce()
        #expect(answers == ["3: -1", "4: -1", "1: 10", "2: 20", "5: 50"])
    }
}
