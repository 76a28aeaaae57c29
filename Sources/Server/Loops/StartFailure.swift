// Why a server could not start, in one sentence that says what to do.

import System
import UV

/// Why a server could not start.
public enum StartFailure: Error, Equatable, CustomStringConvertible {
    /// An address cannot be listened on; `option` chose it.
    case address(String, option: String, UVError)
    /// What `option` wants takes more files than this process may open.
    case descriptors(wanted: String, needed: Int, limit: Int, option: String)
    /// The system has no more of it.
    case files(UVError)
    case sockets(UVError)
    case threads(UVError)

    /// - Parameter option: the one that chose the address.
    init(_ failure: ListenFailure, _ address: SocketAddress, option: String) {
        self =
            switch failure {
            case .address(let cause): .address(address.description, option: option, cause)
            case .resource(let cause): .sockets(cause)
            }
    }

    public var description: String {
        switch self {
        case .address(let address, let option, .addressInUse):
            "\(address) is in use by another process; stop that one, or choose another address with "
                + option
        case .address(let address, let option, let cause):
            "cannot listen on \(address): \(cause); choose another address with \(option)"
        case .descriptors(let wanted, let needed, let limit, let option):
            "\(wanted) \(needed) open files, and the limit is \(limit); raise it "
                + "(ulimit -n, LimitNOFILE=) or lower \(option)"
        case .files(let cause):
            "cannot open another file: \(cause); \(StartFailure.advice(cause))"
        case .sockets(let cause):
            "cannot open another socket: \(cause); \(StartFailure.advice(cause))"
        case .threads(let cause):
            "cannot start another thread: \(cause); allow more (ulimit -u, TasksMax=), or lower --loops"
        }
    }

    private static func advice(_ cause: UVError) -> String {
        switch cause.name {
        case "EMFILE": "allow more (ulimit -n, LimitNOFILE=), or lower --loops"
        case "ENFILE": "the whole machine has no more (fs.file-max); lower --loops"
        default: "lower --loops"
        }
    }
}

extension ServerConfiguration {
    /// Raises the limit of open files as far as it goes, and sees whether what is wanted fits: libuv does
    /// not bear it where it does not. To be called before anything is opened for good.
    ///
    /// - Throws: `StartFailure.descriptors`.
    public func reserveDescriptors() throws(StartFailure) {
        let limit = Machine.raiseDescriptorLimit()
        func check(_ connections: Int, _ wanted: String, _ option: String) throws(StartFailure) {
            let needed =
                ServerLimits.descriptors(connections: connections, loops: loops)
                + handedOverDescriptors
            if needed > limit {
                throw .descriptors(wanted: wanted, needed: needed, limit: limit, option: option)
            }
        }
        // Each loop serves one connection at least.
        try check(loops, loops == 1 ? "1 event loop needs" : "\(loops) event loops need", "--loops")
        if let wanted = limits.connectionsMax {
            try check(wanted, "\(wanted) connections need", "--max-connections")
        }
    }

    /// What all loops together would serve at a time, with the limit of open files of this process, which
    /// it raises; nil where that is too low for the loops.
    public var connectionsMax: Int? {
        let limit = Machine.raiseDescriptorLimit()
        guard ServerLimits.descriptors(connections: loops, loops: loops) <= limit else {
            return nil
        }
        var limits = limits
        limits.shareConnections(descriptors: limit, loops: loops)
        return limits.connectionsPerLoopMax * loops
    }

    /// The sockets that were handed over, and the descriptors through which loops share more than one.
    private var handedOverDescriptors: Int {
        listenDescriptors.count + adminDescriptors.count
            + max(0, listenDescriptors.count - 1) * loops
    }
}
