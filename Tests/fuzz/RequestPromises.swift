// What must be true of every request that the reader lets through, told from its bytes alone and
// not in the reader's own way.

@testable import HTTP1

enum RequestPromises {
    static func check(_ head: RequestHead, _ bytes: Span<UInt8>, _ limits: Limits) {
        require(bytes.count == head.length + head.bodyLength, "a request is its head and its body")
        require(head.length <= limits.headBytesMax, "the head is within its limit")
        require(head.bodyLength <= limits.bodyBytesMax, "the body is within its limit")
        require(head.fields.count <= limits.fieldsMax, "so is the number of fields")
        require(head.path.count <= limits.targetBytesMax, "so is the path")
        require(head.path.upperBound <= head.length, "the path is in the head")
        checkLines(bytes.extracting(0..<head.length))
        checkFields(head, bytes)
    }

    /// Lines end in CR LF, and neither stands elsewhere; no NUL, no DEL.
    private static func checkLines(_ head: Span<UInt8>) {
        let count = head.count
        require(count >= 4, "a head has a line and an end")
        require(
            head[count - 4] == 13 && head[count - 3] == 10 && head[count - 2] == 13
                && head[count - 1] == 10, "a head ends with an empty line")
        for at in 0..<count {
            if head[at] == 13 { require(head[at + 1] == 10, "no CR without LF") }
            if head[at] == 10 { require(at > 0 && head[at - 1] == 13, "no LF without CR") }
            require(head[at] != 0 && head[at] != 0x7F, "no NUL and no DEL")
        }
    }

    private static func checkFields(_ head: RequestHead, _ bytes: Span<UInt8>) {
        var end = head.path.upperBound
        var (hosts, lengths, codings) = (0, 0, 0)
        for field in head.fields {
            let (name, value) = (field.name, field.value)
            require(name.lowerBound >= end && !name.isEmpty, "fields stand one behind the other")
            require(bytes[name.lowerBound - 1] == 10, "a field begins its line")
            require(bytes[name.upperBound] == UInt8(ascii: ":"), "a colon ends the name")
            require(name.upperBound < value.lowerBound, "the value is behind the name")
            if let first = value.first, let last = value.last {
                require(
                    ![9, 32].contains(bytes[first]) && ![9, 32].contains(bytes[last]),
                    "values are without the blanks around them")
            }
            end = value.upperBound
            require(end < head.length, "fields are in the head")
            switch text(bytes, name).lowercased() {
            case "host": hosts += 1
            case "content-length":
                lengths += 1
                require(
                    Int(text(bytes, value)) == head.bodyLength, "the body is as long as it says")
            case "transfer-encoding":
                codings += 1
                require(text(bytes, value).lowercased() == "chunked", "only chunked is decoded")
            default: break
            }
        }
        require(hosts == 1 || head.minorVersion == 0 && hosts == 0, "one Host in HTTP/1.1")
        require(lengths + codings <= 1, "the length is said once and in one way (RFC 9112 §6.3)")
        require(codings == 0 || head.minorVersion == 1, "HTTP/1.0 has no codings")
        require(lengths + codings == 1 || head.bodyLength == 0, "an unannounced body is empty")
    }

    private static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        var copy: [UInt8] = []
        copy.append(bytes, range)
        return String(decoding: copy, as: UTF8.self)
    }
}
