// What systemd and a service say to each other (sd_notify(3), sd_listen_fds(3)), without its library.

import CLibUV
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

/// Listening sockets that the service manager opened, by name.
public struct ActivatedSockets: Sendable {
    /// Why what was handed over cannot be used.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private let sockets: [(name: String, descriptor: Int32)]

    /// Takes over what was handed to this process, and nobody else. Call once, before descriptors
    /// are opened.
    ///
    /// - Parameter names: the `FileDescriptorName=` that are known.
    /// - Throws: `Failure` for another name, and for what is no listening TCP socket.
    public static func fromEnvironment(names: [String]) throws(Failure) -> ActivatedSockets {
        let process = Environment.take("LISTEN_PID").flatMap { Int32($0) }
        let count = Environment.take("LISTEN_FDS").flatMap { Int32($0) }
        let given = Environment.take("LISTEN_FDNAMES")
        guard process == getpid(), let count, count > 0 else {
            return ActivatedSockets(sockets: [])
        }
        let list = (given ?? "").split(separator: ":", omittingEmptySubsequences: false)
        var sockets: [(String, Int32)] = []
        for index in 0..<count {
            let descriptor = firstDescriptor + index
            let name = Int(index) < list.count ? String(list[Int(index)]) : "unknown"
            _ = obie_set_close_on_exec(descriptor)
            guard names.contains(name) else {
                throw Failure(
                    description: "socket \(descriptor) was handed over as '\(name)'; set "
                        + "FileDescriptorName= in its .socket unit to "
                        + names.joined(separator: " or "))
            }
            guard isListening(descriptor) else {
                throw Failure(
                    description: "socket \(descriptor), '\(name)', does not listen for TCP; use "
                        + "ListenStream= with an address and port, and Accept=no")
            }
            sockets.append((name, descriptor))
        }
        return ActivatedSockets(sockets: sockets)
    }

    /// The descriptors of that name.
    public func descriptors(_ name: String) -> [Int32] {
        sockets.filter { $0.name == name }.map(\.descriptor)
    }

    /// SD_LISTEN_FDS_START
    private static let firstDescriptor: Int32 = 3

    private static func isListening(_ descriptor: Int32) -> Bool {
        option(descriptor, SO_ACCEPTCONN) == 1
            && option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
            && [AF_INET, AF_INET6].contains(option(descriptor, SO_DOMAIN))
    }

    private static func option(_ descriptor: Int32, _ name: Int32) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        let code = unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &length)
        return code == 0 ? value : -1
    }
}

/// Variables of the process's environment. The main thread, before there are others.
public enum Environment {
    public static func value(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// All variables. What is not UTF-8 is repaired.
    public static var all: [String: String] {
        var all: [String: String] = [:]
        var items: UnsafeMutablePointer<uv_env_item_t>?
        var count: Int32 = 0
        guard unsafe uv_os_environ(&items, &count) == 0, let items = unsafe items else {
            return [:]
        }
        // libuv made the list.
        defer { unsafe uv_os_free_environ(items, count) }
        for index in 0..<Int(count) {
            let item = unsafe items[index]
            guard let name = unsafe item.name, let value = unsafe item.value else { continue }
            unsafe all[String(cString: name)] = String(cString: value)
        }
        return all
    }

    /// The value, which is not there any more then.
    static func take(_ name: String) -> String? {
        let value = value(name)
        unsafe unsetenv(name)
        return value
    }
}
