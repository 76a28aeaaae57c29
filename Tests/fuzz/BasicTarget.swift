// Target `basic`: the bytes are a field or a small text of a client: credentials, base64, a form, a
// URI, a code. What is taken is what the writer of the format would have written.

import Bytes
import Tokens

@testable import Server

enum BasicTarget {
    static func run(_ input: [UInt8]) {
        checkBase64(input)
        checkCredentials(input)
        checkForm(input)
        checkURI(input)
        checkIdentifiers(input)
    }

    private static func checkBase64(_ input: [UInt8]) {
        if let plain = Base64.decode(input.span, 0..<input.count) {
            require(encode(plain) == input, "only the one form of a text is taken (RFC 4648 §3.5)")
        }
        let encoded = encode(input)
        let decoded = Base64.decode(encoded.span, 0..<encoded.count)
        require(decoded == (input.isEmpty ? nil : input), "every text comes back")
    }

    /// As a whole field, as what stands behind the scheme, and as what is to be encoded.
    private static func checkCredentials(_ input: [UInt8]) {
        if let credentials = BasicCredentials(input.span, 0..<input.count) {
            let plain = Array(credentials.id.utf8) + Array(":".utf8) + credentials.secret
            require(input.suffix(encode(plain).count).elementsEqual(encode(plain)), "as encoded")
            checkPlain(plain, credentials)
        }
        // The range is not the whole: what is around it must not matter.
        let field = Array("x: bAsIc ".utf8) + encode(input) + Array("\r\n".utf8)
        let credentials = BasicCredentials(field.span, 3..<field.count - 2)
        let isText =
            !input.contains { $0 < 0x20 || $0 == 0x7F }
            && String(validating: input, as: UTF8.self) != nil
        require(
            (credentials != nil) == (isText && input.contains(UInt8(ascii: ":"))),
            "credentials are UTF-8 with a colon and no controls (RFC 7617 §2)")
        if let credentials { checkPlain(input, credentials) }
    }

    private static func checkPlain(_ plain: [UInt8], _ credentials: BasicCredentials) {
        require(!credentials.id.utf8.contains(UInt8(ascii: ":")), "the first colon splits")
        require(
            Array(credentials.id.utf8) + [UInt8(ascii: ":")] + credentials.secret == plain,
            "id and secret are what was encoded")
        require("\(credentials)" == "BasicCredentials(redacted)", "a secret has no printable form")
    }

    private static func checkForm(_ input: [UInt8]) {
        let name = Array("token".utf8)
        let value = FormReader.value(name, input.span)
        let doubled = FormReader.value(name, (input + Array("&token=x".utf8)).span)
        let other = FormReader.value(name, (input + Array("&tokens=%41+".utf8)).span)
        switch value {
        case .absent:
            require(doubled == .value(Array("x".utf8)), "one more is the first")
            require(other == .absent, "another name is another")
        case .value(let content):
            require(doubled == .doubled && other == value, "one more is one too many")
            checkEscaped(content)
        case .doubled: require(doubled == .doubled && other == .doubled, "twice is enough")
        case .malformed: require(doubled == .malformed, "a broken escape spoils all of it")
        }
        checkEscaped(input)
    }

    private static func checkEscaped(_ content: [UInt8]) {
        let digits = Array("0123456789aBcDeF".utf8)
        var form = Array("a=b&%74oken=".utf8)
        for byte in content {
            form += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        require(
            FormReader.value(Array("token".utf8), form.span) == .value(content),
            "what is escaped comes back")
    }

    private static func checkURI(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        guard AbsoluteURI.isValid(text) else { return }
        require(text.utf8.contains(UInt8(ascii: ":")), "an absolute URI has a scheme")
        require(
            text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"#\"<>\\^`{|}".utf8.contains($0) },
            "and neither a fragment nor a character that must be escaped (RFC 3986 §2)")
        require(AbsoluteURI.isValid(text + "%41?q=1"), "more of it is one, too")
        require(!AbsoluteURI.isValid(text + "%4"), "but not with half an escape")
    }

    private static func checkIdentifiers(_ input: [UInt8]) {
        if let sealed = SealedIdentifier(code: input.span) {
            var written: [UInt8] = []
            sealed.appendCode(to: &written)
            require(written == input, "a code has one form")
        }
        if let sealed = SealedIdentifier(token: input.span) {
            var written: [UInt8] = []
            sealed.appendToken(to: &written)
            require(written == input, "a token has one form")
        }
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// RFC 4648 §4.
    private static func encode(_ plain: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        for start in stride(from: 0, to: plain.count, by: 3) {
            let bytes = plain[start..<min(start + 3, plain.count)]
            let bits = bytes.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - bytes.count))
            for index in 0...bytes.count {
                output.append(alphabet[bits >> (18 - 6 * index) & 63])
            }
            output += [UInt8](repeating: UInt8(ascii: "="), count: 3 - bytes.count)
        }
        return output
    }
}
