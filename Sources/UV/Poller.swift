// A descriptor that somebody else owns, watched by a loop (`uv_poll_t`): for libraries that do their own
// reading and writing, such as libpq.

import CLibUV

/// Calls a closure on the loop's thread while a descriptor is ready for what is watched for.
///
/// The descriptor stays its owner's, who may close it as soon as `stop` or `close` has returned, and not
/// while it is watched: its number could belong to another connection by then (`uv_poll(3)`). A library
/// that changes its descriptor may get the same number again, so each descriptor gets a poller of its own.
/// The closure may do all that can be done with a poller, and is dropped when the poller closes.
public final class Poller: Handle {
    /// What a descriptor can be ready for.
    public struct Events: OptionSet, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// Bytes or the end can be read, or a connection accepted.
        public static let readable = Events(rawValue: Int32(UV_READABLE.rawValue))
        /// Bytes can be written, or a connection stands.
        public static let writable = Events(rawValue: Int32(UV_WRITABLE.rawValue))
        /// The peer sends no more.
        public static let disconnected = Events(rawValue: Int32(UV_DISCONNECT.rawValue))
    }

    private var onEvents: ((Result<Events, UVError>) -> Void)?

    /// Sets the descriptor to non-blocking. Nothing is watched yet.
    ///
    /// - Parameter onEvents: gets what the descriptor is ready for, in every turn until that is used up
    ///   (level-triggered). A failure (EBADF) says that the descriptor has an error, such as a connection
    ///   that was refused: nothing is watched any more then, and reading it tells the cause.
    /// - Throws: `UVError` for what cannot be watched: EEXIST where another poller watches it, EPERM for a
    ///   file, EBADF for what is not open.
    public init(
        _ loop: EventLoop, _ descriptor: Int32,
        _ onEvents: @escaping (Result<Events, UVError>) -> Void
    ) throws(UVError) {
        self.onEvents = onEvents
        try unsafe super.init(UV_POLL) { memory in
            unsafe uv_poll_init(
                loop.raw, memory.assumingMemoryBound(to: uv_poll_t.self), descriptor)
        }
    }

    /// Watches for these from now on, and for nothing else. An empty set is `stop`.
    public func watch(_ events: Events) {
        guard isOpen else { return }
        let code = unsafe uv_poll_start(
            memory.assumingMemoryBound(to: uv_poll_t.self), events.rawValue
        ) { poll, status, events in
            guard let owner = unsafe Handle.owner(of: poll?.pointee.data, as: Poller.self)
            else { return }
            owner.onEvents?(
                status < 0
                    ? .failure(UVError(code: status)) : .success(Events(rawValue: events)))
        }
        precondition(code == 0, "uv_poll_start fails only where two pollers watch one descriptor")
    }

    /// Watches for nothing until `watch`. What had already been seen in this turn is not told either.
    public func stop() {
        guard isOpen else { return }
        _ = unsafe uv_poll_stop(memory.assumingMemoryBound(to: uv_poll_t.self))
    }

    override func willClose() { onEvents = nil }
}
