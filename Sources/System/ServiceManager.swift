// What systemd and a service say to each other (sd_notify(3), sd_listen_fds(3)), without its library.

import Glibc

/// The service manager that started this process. Any thread.
@safe public final class ServiceManager: Sendable {
    /// How often it wants to hear that all is well; nil: it does not ask.
    public let watchdogMicroseconds: UInt64?
    private let descriptor: Int32
    private let path: String

    /// nil where no service manager wants to hear anything. Takes the variables out of the
    /// environment, so that no child speaks in this process's name.
    public static func fromEnvironment() -> ServiceManager? {
        let path = Environment.take("NOTIFY_SOCKET")
        let interval = Environment.take("WATCHDOG_USEC").flatMap { UInt64($0) }
        let watched = Environment.take("WATCHDOG_PID").flatMap { Int32($0) }
        guard let path, path.hasPrefix("/") || path.hasPrefix("@"), path.utf8.count > 1,
            path.utf8.count < ServiceManager.pathBytesMax
        else { return nil }
        let isForUs = watched == nil || watched == getpid()
        return ServiceManager(path, isForUs ? interval.flatMap { $0 > 0 ? $0 : nil } : nil)
    }

    /// sun_path of sockaddr_un (`unix(7)`).
    private static let pathBytesMax = 108

    private init?(_ path: String, _ watchdog: UInt64?) {
        // Open as long as the process lives.
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return nil }
        self.path = path
        watchdogMicroseconds = watchdog
    }

    deinit { close(descriptor) }

    /// Sends assignments, one a line, such as `READY=1`. Never waits; what the manager has no room
    /// for is lost.
    ///
    /// - Returns: false where it was not taken.
    @discardableResult
    public func notify(_ assignments: String...) -> Bool {
        let message = Array(assignments.joined(separator: "\n").utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        // An abstract name begins with NUL, and ends where the address ends.
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let length = socklen_t(offset + name.count)
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socketAddress in
                unsafe sendto(
                    descriptor, message, message.count,
                    Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL), socketAddress,
                    length)
            }
        }
        return sent == message.count
    }
}
