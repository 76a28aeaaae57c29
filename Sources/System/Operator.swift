// Who runs this command: the person behind it, as far as the system knows.

import Glibc

/// A person at a terminal, for the lines that say who changed something. Any thread.
public struct Operator: Equatable, Sendable, CustomStringConvertible {
    /// Whoever logged in.
    let login: User
    /// As whom the process acts; nil where that is the same.
    let actsAs: User?

    struct User: Equatable, Sendable {
        let id: UInt32
        /// nil where the system has none, as in most containers.
        let name: String?

        fileprivate var text: String { name.map { "\($0) (uid \(id))" } ?? "uid \(id)" }
    }

    /// Such as `alice (uid 1000) as root (uid 0)`.
    public var description: String { login.text + (actsAs.map { " as \($0.text)" } ?? "") }

    /// The login that the kernel remembers through `su` and `sudo` (`/proc/self/loginuid`); where it
    /// knows none, and we are root, the one that sudo names; else the user of the process.
    public static func current() -> Operator {
        let started = ActingUser.startedAs
        let user = User(id: started, name: name(of: started))
        let effective = User(id: geteuid(), name: name(of: geteuid()))
        let kernel = loginID(in: Operator.read("/proc/self/loginuid"))
        return Operator(
            process: user, actsAs: effective,
            kernel: kernel.map { User(id: $0, name: name(of: $0)) },
            sudo: sudo(Environment.value("SUDO_UID"), Environment.value("SUDO_USER")))
    }

    /// - Parameters:
    ///   - kernel: the login that the kernel remembers.
    ///   - sudo: what sudo says; only root is believed, since others could say it themselves.
    init(process: User, actsAs: User, kernel: User?, sudo: User?) {
        login = kernel ?? (process.id == 0 ? sudo : nil) ?? process
        self.actsAs = actsAs.id == login.id ? nil : actsAs
    }

    static func sudo(_ id: String?, _ name: String?) -> User? {
        guard let id = id.flatMap({ UInt32($0) }), let name, !name.isEmpty else { return nil }
        return User(id: id, name: name)
    }

    /// nil for the number that stands for nobody (`audit_setloginuid(3)`).
    static func loginID(in text: String?) -> UInt32? {
        guard let number = text.flatMap({ UInt32($0.prefix { $0.isNumber }) }) else { return nil }
        return number == .max ? nil : number
    }

    /// Of the file of users: some ten thousand.
    private static let bytesMax = 1 << 20

    private static func read(_ path: String) -> String? {
        do throws(PrivateFile.Failure) {
            return String(
                decoding: try PrivateFile.read(path, bytesMax: bytesMax), as: UTF8.self)
        } catch {
            return nil
        }
    }

    private static let recordBytes = 16 * 1024

    private static func name(of id: uid_t) -> String? {
        var record = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var text = [CChar](repeating: 0, count: recordBytes)
        // The record points into `text`, which stays where it is until the name has been copied.
        return unsafe text.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress,
                unsafe getpwuid_r(id, &record, start, buffer.count, &found) == 0,
                let name = unsafe found?.pointee.pw_name
            else { return nil }
            return unsafe String(cString: name)
        }
    }
}
