// One course for all threads, while it changes.

import Foundation
import Synchronization
import Testing

@testable import System

@Suite struct SharedCourseTests {
    private let course = SharedCourse(TimeCourse(since: 1000, time: 500, correction: 0))

    /// Half a second on.
    private func jump(at boot: Int64) {
        course.change({ boot }) { now in
            TimeCourse(since: now.since, time: now.time + 500_000, correction: 0)
        }
    }

    @Test func courseIsDrawnByAHundredthAndNoFurther() {
        let course = TimeCourse(since: 1000, time: 500, correction: -30)
        #expect(course.time(at: 1000) == 500)
        #expect(course.time(at: 1100) == 599)
        #expect(course.time(at: 4000) == 3470)
        #expect(course.time(at: 9000) == 8470)
        #expect(course.remaining(at: 2000) == -20)
    }

    @Test func newCourseBeginsWhereTheOldOneEnds() {
        course.change({ 2000 }) { now in
            TimeCourse(since: now.since, time: now.time, correction: 10)
        }
        #expect(course.read { 2000 } == (1500, 2000))
        #expect(course.read { 2500 } == (2005, 2500))
        course.change({ 2500 }) { $0 }
        #expect(course.remaining(at: 2500) == 5)
        #expect(course.read { 9000 } == (8510, 9000))
    }

    /// The course changes after the reader has seen it, and before the reader has its time.
    @Test func readerWhoseCourseHasChangedReadsAgain() {
        var readings = 0
        let (time, boot) = course.read {
            readings += 1
            if readings == 1 { jump(at: 3000) }
            return 2000 + 1000 * Int64(readings)
        }
        #expect(readings == 2)
        #expect((time, boot) == (503_500, 4000))
    }

    private final class Answer: Sendable { let time = Mutex<Int64?>(nil) }

    /// Nobody sees half a course: readers wait until all of it is there.
    @Test func readerWaitsForAWholeCourse() {
        let (course, answer) = (course, Answer())
        let (looks, isRead) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        course.change({ 2000 }) { now in
            DispatchQueue.global().async {
                let time = course.read {
                    looks.signal()
                    return 2000
                }.time
                answer.time.withLock { $0 = time }
                isRead.signal()
            }
            // It has read once, and does so again.
            for _ in 0..<2 { #expect(looks.wait(timeout: .now() + 20) == .success) }
            #expect(answer.time.withLock { $0 } == nil)
            return TimeCourse(since: now.since, time: now.time + 500_000, correction: 0)
        }
        isRead.wait()
        #expect(answer.time.withLock { $0 } == 501_500)
    }
}
