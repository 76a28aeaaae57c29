// Why nobody can be listened for.

import CLibUV

/// A listener that could not be opened, by what stood in the way: people mend the one by another address,
/// and the other not.
public enum ListenFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The address: taken, not this machine's, not allowed, or of a family that this machine has not.
    case address(UVError)
    /// A socket, or a place to watch it, which the system has no more of.
    case resource(UVError)

    /// Of socket(2): where the family of the address is there, it can only be the system.
    init(opening code: Int32) {
        let error = UVError(code: code)
        self = code == UV_EAFNOSUPPORT.rawValue ? .address(error) : .resource(error)
    }

    /// Of bind(2) or listen(2).
    init(binding code: Int32) {
        let error = UVError(code: code)
        let isResource = [UV_ENOMEM.rawValue, UV_ENOBUFS.rawValue].contains(code)
        self = isResource ? .resource(error) : .address(error)
    }

    public var description: String {
        switch self {
        case .address(let error), .resource(let error): error.description
        }
    }
}
