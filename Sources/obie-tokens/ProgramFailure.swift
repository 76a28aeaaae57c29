// Why the program ends without having done what it was asked for.

import Tokens

/// One sentence that says what to do, and the exit status.
struct ProgramFailure: Error, CustomStringConvertible {
    let description: String
    /// By sysexits(3): 64 for a wrong option, 65 for what cannot be done, 66 for an input that cannot
    /// be read, 71 for the operating system, 73 for a file that cannot be made, 74 for a write that
    /// failed, 75 for what nobody knows the outcome of, 77 for missing permission, 78 for a wrong setting.
    var status: Int32 = 71
    /// What was to be done has been done or has not, and nobody knows which.
    var isUncertain = false

    /// What to do where the system has no more threads or open files.
    static let shortageAdvice =
        "allow more threads and open files (ulimit -u and -n, TasksMax= and LimitNOFILE=)"
}

extension ProgramFailure {
    init(_ failure: StoreFailure) {
        let status: Int32 =
            switch failure.kind {
            case .system: 71
            case .rights: 77
            case .configuration: 78
            case .absent: 66
            case .existing: 73
            case .uncertain: 75
            }
        self.init(description: failure.description, status: status)
        if case .uncertain = failure.kind { isUncertain = true }
    }
}
