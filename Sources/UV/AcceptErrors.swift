// What a failing accept(2) means: the connection is lost, or the machine cannot take any now.

import CLibUV
import Glibc

/// What a listener tells of connections that it could not take.
public enum AcceptTrouble: Equatable, Sendable {
    /// One could not be taken. Comes for each; it is to be counted, not logged.
    case failed(UVError)
    /// From now on the listener pauses between its attempts. Clients wait in the kernel meanwhile.
    case pausing(UVError)
    /// For a while now nothing has made it pause.
    case over
}

/// Whether to go on after errors of accept. A value: tests drive it without a socket.
struct AcceptErrors {
    enum Step { case goOn, pause }

    /// Errors in a row, each of one connection alone, until they are no accident any more.
    static let inARowMax = 16

    /// Of one connection, which the kernel had ready and which has failed since (accept(2), "Error
    /// handling"); the next may be good.
    private static let passing: Set<Int32> = [
        EPERM, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
        EOPNOTSUPP, ENETUNREACH, EINTR,
    ]

    private var inARow = 0

    mutating func succeeded() { inARow = 0 }

    /// All others come again at once: there are no descriptors or no memory, or it is our mistake.
    mutating func failed(_ error: UVError) -> Step {
        inARow += 1
        if AcceptErrors.passing.contains(-error.code), inARow < AcceptErrors.inARowMax {
            return .goOn
        }
        inARow = 0
        return .pause
    }
}
