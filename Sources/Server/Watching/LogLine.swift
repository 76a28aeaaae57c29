// One line of the log, as JSON or as text.

import Bytes
import System

extension Logger.Format {
    /// A line with its end. Lines of the access log are made by `AccessLines`.
    func line(_ level: Logger.Level, _ message: String) -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .json:
            bytes.append(text: #"{"time":""#)
            Timestamp.append(Clock.wallMilliseconds(), to: &bytes)
            bytes.append(text: #"","level":""#)
            bytes.append(text: level.name)
            bytes.append(text: #"","message":"#)
            JSONWriter.appendString(message, to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        case .text:
            bytes.append(text: "obie-tokens: ")
            if level >= .warning { bytes.append(text: "\(level.name): ") }
            bytes.append(text: message)
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}
