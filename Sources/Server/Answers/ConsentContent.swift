// What stands in the answer to a consent that is revoked.

import Bytes

enum ConsentContent {
    static func append(_ consentID: String, to output: inout [UInt8]) {
        output.append(contentsOf: #"{"data":{"consent_id":"#.utf8)
        JSONWriter.appendString(consentID, to: &output)
        output.append(contentsOf: "}}".utf8)
    }
}
