// Target `json`: the bytes are the body of a request. What is taken is JSON in UTF-8 within the
// nesting limit, strings come back as they were written, and the bodies keep their own limits.

import Bytes
import HTTP1
import Tokens

@testable import Server

enum JSONTarget {
    private static let keys = JSONKeys([
        "auth_code", "redirect_uri", "grant_type", "psp_id", "state",
    ])

    static func run(_ input: [UInt8]) {
        let object = read(input)
        checkBodies(input, isObject: object != nil)
        require(
            (read(input, JSONKeys([])) != nil) == (object != nil),
            "names do not decide what is JSON")
        guard let object else { return }
        require(String(validating: input, as: UTF8.self) != nil, "what is taken is UTF-8")
        let depth = depth(input)
        require((1...JSONReader.nestingMax).contains(depth), "and not too deep")

        let blanks = Array(" \t\r\n".utf8)
        require(read(blanks + input + blanks) != nil, "blanks around it do not matter")
        let last = input.lastIndex { !blanks.contains($0) } ?? 0
        require(read(Array(input[..<last])) == nil, "without its end it is nothing")
        require(read(input + [UInt8(ascii: "}")]) == nil, "nor with an end too many")
        require(read([UInt8(ascii: "[")] + input + [UInt8(ascii: "]")]) == nil, "nor in an array")
        let wrapped = Array(#"{"state":"#.utf8) + input + Array("}".utf8)
        require(
            (read(wrapped) != nil) == (depth < JSONReader.nestingMax), "it is as deep as it looks")

        for index in keys.names.indices {
            if case .string(let string) = object.members[index] { checkString(string, input) }
        }
    }

    private static func read(_ bytes: [UInt8], _ keys: JSONKeys = keys) -> JSONObject? {
        do throws(JSONInvalid) {
            return try JSONReader.readObject(bytes.span, keys)
        } catch {
            return nil
        }
    }

    /// Brackets outside strings.
    private static func depth(_ bytes: [UInt8]) -> Int {
        var (depth, deepest) = (0, 0)
        var (isInString, isEscaped) = (false, false)
        for byte in bytes {
            if isInString {
                if !isEscaped, byte == UInt8(ascii: "\"") { isInString = false }
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            deepest = max(deepest, depth)
            require(depth >= 0, "what is closed was open")
        }
        require(depth == 0 && !isInString, "what is open is closed")
        return deepest
    }

    private static func checkString(_ string: JSONString, _ input: [UInt8]) {
        let text = string.text(input.span)
        require(
            !text.unicodeScalars.contains("\u{FFFD}") || input.contains(0xEF)
                || string.hasEscapes, "nothing had to be replaced")
        string.withContent(input.span) { content in
            var copy: [UInt8] = []
            copy.append(content, 0..<content.count)
            require(copy == Array(text.utf8), "both ways to a string give the same")
        }
        var written: [UInt8] = []
        JSONWriter.appendString(text, to: &written)
        require(value(written) == text, "what is written can be read, and is the same")
        let units = text.utf16.map { unit in
            "\\u" + String(repeating: "0", count: 4 - String(unit, radix: 16).count)
                + String(unit, radix: 16)
        }
        require(value(Array("\"\(units.joined())\"".utf8)) == text, "and so it is all in escapes")
    }

    /// The text of a JSON string; nil where it is none.
    private static func value(_ string: [UInt8]) -> String? {
        let json = Array(#"{"state":"#.utf8) + string + Array("}".utf8)
        guard let object = read(json), case .string(let value) = object.members[4] else {
            return nil
        }
        return value.text(json.span)
    }

    private static func checkBodies(_ input: [UInt8], isObject: Bool) {
        for mode in IssuerSettings.Mode.allCases {
            do throws(BodyFaults) {
                let body = try TokenBody(input.span, mode: mode, hasCCGToken: true)
                require(isObject, "a body is an object")
                if case .clientCredentials(let pspID) = body, mode == .production {
                    require(pspID?.isEmpty == false, "in production a provider is named")
                }
            } catch {
                checkFaults(error, isObject)
            }
        }
        do throws(BodyFaults) {
            let body = try CodeBody(input.span)
            require(isObject, "a body is an object")
            for text in [body.consent.id, body.consent.accountID] {
                require((1...128).contains(text.unicodeScalars.count), "names have 1 to 128")
            }
            require(AbsoluteURI.isValid(body.redirectURI), "the redirect URI is one")
            require(body.redirectURI.utf8.count <= 2048, "and not too long")
            require((body.state ?? "").utf8.count <= 1024, "nor is the state")
        } catch {
            checkFaults(error, isObject)
        }
    }

    private static func checkFaults(_ error: BodyFaults, _ isObject: Bool) {
        require(!error.faults.isEmpty, "a refusal says why")
        let isSyntax = error.faults.contains { $0.code == .jsonInvalid }
        require(isSyntax == !isObject, "json_invalid is said of what is no object, and alone")
    }
}
