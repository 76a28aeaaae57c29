// What stands between the values of an access log's line, in either format.

import Bytes

/// Each name is put whole, with the quotes around its value.
struct AccessNames {
    private let format: Logger.Format
    let bytes, peer, proxy, tls, cipher, thumbprint, errors, errorIDs: ShortText
    let client, institution, interactionID, requestID, traceID, parentID: ShortText
    /// Behind each text.
    let end: ShortText
    let lineEnd: ShortText

    init(_ format: Logger.Format) {
        func name(_ name: String) -> ShortText {
            ShortText(format == .json ? #","\#(name)":""# : " \(name)=")
        }
        self.format = format
        bytes = ShortText(format == .json ? #","bytes":"# : " bytes=")
        (peer, proxy) = (name("peer"), name("proxy"))
        (tls, cipher, thumbprint) = (name("tls"), name("cipher"), name("thumbprint"))
        (errors, errorIDs) = (name("errors"), name("error_ids"))
        (client, institution) = (name("client"), name("fi"))
        (interactionID, requestID) = (name("interaction_id"), name("request_id"))
        (traceID, parentID) = (name("trace_id"), name("parent_id"))
        end = ShortText(format == .json ? "\"" : "")
        lineEnd = ShortText(format == .json ? "}\n" : "\n")
    }

    /// In front of the time, which only JSON has.
    let opening = ShortText(#"{"time":""#)
    /// What of a time is behind its seconds: three digits and a letter.
    static let behindSecond = 4

    /// From behind the milliseconds to the duration. None of these must be escaped.
    func middle(method: String, route: String, status: Int) -> String {
        switch format {
        case .json:
            #"Z","level":"info","message":"answered","method":"\#(method)","route":"\#(route)""#
                + #","status":\#(status),"duration_ms":"#
        case .text:
            "obie-tokens: answered method=\(method) route=\(route) status=\(status) duration_ms="
        }
    }
}
