// Times as people and programs read them, for whoever shows what stands in the log's words.

import Tokens

public enum Timestamp {
    /// RFC 3339 in UTC, such as `2026-11-26T18:53:02.123Z`.
    public static func text(_ milliseconds: Milliseconds) -> String {
        AuditText.time(milliseconds)
    }
}
