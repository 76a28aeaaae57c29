// POSIX signals as events of a loop.

import CLibUV
import Glibc

/// Calls a closure on the loop's thread whenever the process receives a signal.
public final class Signal: Handle {
    private let onSignal: () -> Void

    /// - Parameter number: such as `Signal.terminate`.
    public init(
        _ loop: EventLoop, _ number: Int32, _ onSignal: @escaping () -> Void
    ) throws(UVError) {
        self.onSignal = onSignal
        try unsafe super.init(UV_SIGNAL) { memory in
            unsafe uv_signal_init(loop.raw, memory.assumingMemoryBound(to: uv_signal_t.self))
        }
        let code = unsafe uv_signal_start(
            memory.assumingMemoryBound(to: uv_signal_t.self),
            { signal, _ in
                guard let owner = unsafe Handle.owner(of: signal?.pointee.data, as: Signal.self)
                else { return }
                owner.onSignal()
            }, number)
        if code < 0 {
            close()
            throw UVError(code: code)
        }
        // One that was held comes now. A parent, too, may have handed down a mask in which it is blocked.
        Signal.setMask(SIG_UNBLOCK, [number])
    }

    /// This thread takes none of the signals that run a process. Where no thread does, they wait: when a
    /// `Signal` closes, libuv gives it back to the system for a moment, which would end the process.
    static func leave() { setMask(SIG_BLOCK, [terminate, interrupt, hangUp]) }

    private static func setMask(_ how: Int32, _ numbers: [Int32]) {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        for number in numbers { unsafe sigaddset(&mask, number) }
        unsafe pthread_sigmask(how, &mask, nil)
    }

    /// Closes them all, and from then on none of them does anything. What has come meanwhile is dropped.
    public static func silence(_ signals: [Signal]) {
        leave()
        for signal in signals { signal.close() }
        for number in [terminate, interrupt, hangUp] { ignore(number) }
    }

    /// From now on the signal waits, until a `Signal` for it is made: without a handler it would end the
    /// process. Before any other thread is started.
    public static func hold(_ number: Int32) { setMask(SIG_BLOCK, [number]) }

    /// From now on the signal does nothing: for the end of the process, where one without a handler would
    /// cut it short. Any thread.
    private static func ignore(_ number: Int32) {
        _ = Glibc.signal(number, SIG_IGN)
    }

    /// Ends the process as the signal does where nobody handles it.
    public static func end(by number: Int32) -> Never {
        _ = Glibc.signal(number, SIG_DFL)
        raise(number)
        // Not reached, unless it is blocked.
        _exit(128 + number)
    }

    public static let terminate = SIGTERM
    public static let interrupt = SIGINT
    public static let hangUp = SIGHUP

    /// A write to a closed socket, or to a file that has reached its allowed size, becomes an error
    /// code instead of ending the process. Call before anything is opened.
    public static func ignoreWriteSignals() {
        _ = signal(SIGXFSZ, SIG_IGN)
        _ = signal(SIGPIPE, SIG_IGN)
    }
}
