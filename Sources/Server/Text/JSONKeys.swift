// The names that are looked for in a JSON object, made ready to be found fast.

import Bytes

/// At most `JSONObject.membersMax` names of up to 31 bytes each.
struct JSONKeys: Sendable {
    let names: [String]
    /// With the quote behind them: where one of these begins, the whole key is it.
    let quoted: [KnownText]

    /// - Parameter names: none of them has to be escaped.
    init(_ names: [String]) {
        precondition(names.count <= JSONObject.membersMax, "an object has no room for more")
        precondition(names.allSatisfy(JSONWriter.isPlain), "a name with escapes would not be found")
        self.names = names
        quoted = names.map { KnownText($0 + "\"") }
    }

    /// For objects of which no member is looked for.
    static let none = JSONKeys([])
}
