// PLACEHOLDER
import Tokens
enum Timestamp { static func text(_ t: Milliseconds) -> String { "\(t)" } }
