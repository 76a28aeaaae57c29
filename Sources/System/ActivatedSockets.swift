// Sockets that a service manager opened for this process (sd_listen_fds(3)).

import Glibc

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
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
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
