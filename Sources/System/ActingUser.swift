// Root's process becomes another user, so that whatever it makes is that user's.

import CSystem
import Glibc
import Synchronization

/// Who this process acts as. The main thread, before there are others.
public enum ActingUser {
    /// What root keeps of its rights.
    public enum Rights: Sendable {
        /// It goes through every folder and reads every file; it writes only what the user may write.
        case toRead
        /// It also writes everywhere: for files whose place root itself has named.
        case toReadAndWrite

        /// Bits of `capabilities(7)`: CAP_DAC_READ_SEARCH, and CAP_DAC_OVERRIDE.
        fileprivate var capabilities: UInt32 {
            switch self {
            case .toRead: 1 << 2
            case .toReadAndWrite: 1 << 2 | 1 << 1
            }
        }
    }

    /// Why it cannot act as that user.
    public struct Failure: Error, Sendable {
        public let user: UInt32
        /// The raw `errno`.
        public let code: Int32
    }

    private static let hasBeenRoot = Atomic(false)

    /// As whom the process was started: root, where it has become another since.
    public static var startedAs: UInt32 {
        hasBeenRoot.load(ordering: .relaxed) ? 0 : getuid()
    }

    /// Where root runs this, it acts as the owner of the first of these files or folders that is there,
    /// with that one's group and no others, for good. Without root, and where root owns it, nothing
    /// changes.
    ///
    /// - Returns: whom it has become, and by which path; nil where nothing has changed.
    /// - Throws: where it may not become that user. It is not to go on then.
    public static func becomeOwner(
        ofFirst paths: [String], keeping rights: Rights
    ) throws(Failure) -> (user: UInt32, path: String)? {
        guard geteuid() == 0 else { return nil }
        for path in paths {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { continue }
            guard status.st_uid != 0 else { return nil }
            guard obie_become(status.st_uid, status.st_gid, rights.capabilities) == 0 else {
                throw Failure(user: status.st_uid, code: errno)
            }
            hasBeenRoot.store(true, ordering: .relaxed)
            return (status.st_uid, path)
        }
        return nil
    }
}
