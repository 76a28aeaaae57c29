// Whether a person is at the other end.

import Glibc

public enum Terminal {
    /// Standard input and standard error are a terminal: there is somebody to be asked.
    public static var isInteractive: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1
    }

    /// Somebody reads standard error on a terminal.
    public static var isErrorShown: Bool { isatty(STDERR_FILENO) == 1 }

    /// Asks on stderr and waits for an answer. True for `y` and `yes`, in any case.
    public static func confirm(_ question: String) -> Bool {
        let bytes = Array("\(question) [y/N] ".utf8)
        _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }
}
