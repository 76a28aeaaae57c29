// A thread of our own.

import CLibUV
import Glibc
import Synchronization
import System

/// A thread that runs one closure to its end. Any thread may hold it.
@safe public final class Worker: @unchecked Sendable {
    private final class Job {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    // Written in `init`, read in `join`, which runs once.
    private var thread = uv_thread_t()
    private let isJoined = Atomic(false)

    /// Starts the thread and hands it `value`, such as an event loop with all that stands on it.
    ///
    /// The thread owns `value` from then on: nothing that the caller keeps may reach into it but
    /// through `Sendable` parts. The compiler cannot follow a value through C, so this promise is
    /// the caller's.
    ///
    /// - Parameter name: for people who look at the process; at most 15 bytes.
    /// - Throws: `UVError` (EAGAIN) where the system allows no further thread.
    public init<Value>(
        owning value: Value, named name: String, _ run: @escaping @Sendable (Value) -> Void
    ) throws(UVError) {
        precondition(name.utf8.count <= 15, "the kernel has no room for a longer name")
        // Taken back by the thread; released here where no thread was made.
        let job = unsafe Unmanaged.passRetained(
            Job {
                Machine.nameThread(name)
                Signal.leave()
                run(value)
            })
        let code = unsafe uv_thread_create(
            &thread,
            { argument in
                guard let argument = unsafe argument else { return }
                unsafe Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run()
            }, job.toOpaque())
        if code < 0 {
            unsafe job.release()
            throw UVError(code: code)
        }
    }

    /// Waits for the closure to return. Call exactly once, from another thread.
    public func join() {
        let wasJoined = isJoined.exchange(true, ordering: .relaxed)
        precondition(!wasJoined, "a thread is joined once")
        _ = unsafe uv_thread_join(&thread)
    }

    /// Ends the process if it is still there then. Any thread.
    ///
    /// - Parameter last: is called before, on a thread of its own.
    public static func endProcess(
        afterSeconds seconds: UInt32, status: Int32, _ last: @escaping @Sendable () -> Void
    ) {
        do throws(UVError) {
            // Never joined: it ends with the process.
            _ = try Worker(owning: seconds, named: "end") { seconds in
                var rest = seconds
                while rest > 0 { rest = sleep(rest) }
                last()
                _exit(status)
            }
        } catch {
            // No thread to be had: whoever asked for the end has means of its own.
        }
    }
}
