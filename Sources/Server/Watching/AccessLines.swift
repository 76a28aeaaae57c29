// The access log's lines, which stand behind each other in one array until somebody takes them over.

import Bytes
import System
import Tokens
import UV

/// One per event loop.
final class AccessLines {
    private let names: AccessNames
    private let isJSON: Bool
    /// It only grows. What is behind `length` is of no meaning.
    private var bytes: [UInt8] = []
    /// Of all lines, in bytes.
    private(set) var length = 0
    private(set) var count = 0
    private var second: Int64 = -1
    /// A time of that second up to the milliseconds.
    private var timeText = ShortText("")
    /// From there to the duration, of each route and method: as of the last status.
    private var middles = [Middle](
        repeating: Middle(), count: Route.allCases.count * MethodLabel.allCases.count)

    private struct Middle {
        var status = 0
        var text: [ShortText] = []
    }

    /// Whatever the texts are: everything in a line but those.
    private static let room = 1024

    init(_ format: Logger.Format) {
        names = AccessNames(format)
        isJSON = format == .json
    }

    /// In bytes; it has room for a turn's lines once there were as many.
    var capacity: Int { bytes.capacity }

    /// Lends the lines, and forgets them.
    func take(_ body: (ArraySlice<UInt8>, _ count: Int) -> Void) {
        // A copy of the reference, so that no access lasts for the call.
        let page = bytes
        body(page[..<length], count)
        (length, count) = (0, 0)
    }

    /// A line for one answer.
    func append(
        _ response: Response, _ ids: [SealedIdentifier], _ record: borrowing RequestRecord,
        _ microseconds: Int, bytes answerBytes: Int, _ origin: RequestOrigin
    ) {
        let errors = ids.isEmpty ? nil : AccessErrors(response, ids)
        let given: [UInt8] = if case .given(let id) = origin.id { id } else { [] }
        let notes = record.notes
        let client = notes?.isAuthenticated == true ? notes?.clientID : nil
        let middle = middle(record.method, record.route, status: response.status.code)
        let texts =
            given.count + (client?.utf8.count ?? 0) + (notes?.institutionName.count ?? 0)
            + (origin.security?.length ?? 0) + (errors?.length ?? 0)
        // Taken out meanwhile: else each access would be checked.
        var page = takePage(AccessLines.room + JSONWriter.growth * texts)
        var text = page.mutableSpan
        var at = length
        if isJSON { putTime(in: &text, at: &at) }
        text.put(middle, at: &at)
        text.put(decimal: UInt64(microseconds / 1000), at: &at)
        text.put(UInt8(ascii: "."), at: &at)
        text.putDigits(UInt64(microseconds % 1000), width: 3, at: &at)
        text.put(names.bytes, at: &at)
        text.put(decimal: UInt64(answerBytes), at: &at)
        put(origin, in: &text, at: &at)
        if let errors {
            put(names.errors, errors.codes, in: &text, at: &at)
            put(names.errorIDs, errors.ids, in: &text, at: &at)
        }
        if let client { put(names.client, client, in: &text, at: &at) }
        if let notes, !notes.institutionName.isEmpty {
            put(names.institution, notes.institutionName.span, in: &text, at: &at)
        }
        if let id = notes?.interactionID {
            text.put(names.interactionID, at: &at)
            id.store(in: &text, at: at)
            at += InteractionID.length
            text.put(names.end, at: &at)
        }
        put(origin.id, in: &text, at: &at)
        if let trace = notes?.trace {
            put(names.traceID, trace.traceID, in: &text, at: &at)
            put(names.parentID, trace.parentID, in: &text, at: &at)
        }
        text.put(names.lineEnd, at: &at)
        bytes = page
        length = at
        count += 1
    }

    /// The array, with so much room behind the lines.
    private func takePage(_ room: Int) -> [UInt8] {
        var page: [UInt8] = []
        swap(&page, &bytes)
        let missing = length + room - page.count
        if missing > 0 {
            page.append(contentsOf: repeatElement(0, count: max(missing, page.count)))
        }
        return page
    }

    private func putTime(in text: inout MutableSpan<UInt8>, at place: inout Int) {
        let now = max(Clock.wallMilliseconds(), 0)
        if now / 1000 != second {
            second = now / 1000
            timeText = ShortText(String(Timestamp.text(now).dropLast(AccessNames.behindSecond)))
        }
        text.put(names.opening, at: &place)
        text.put(timeText, at: &place)
        text.putDigits(UInt64(now % 1000), width: 3, at: &place)
    }

    private func middle(_ method: MethodLabel, _ route: Route, status: Int) -> [ShortText] {
        let place = Int(route.rawValue) * MethodLabel.allCases.count + Int(method.rawValue)
        let known = middles[place]
        if known.status == status { return known.text }
        let text = ShortText.parts(
            names.middle(method: method.text, route: route.template, status: status))
        middles[place] = Middle(status: status, text: text)
        return text
    }

    private func put(
        _ origin: RequestOrigin, in text: inout MutableSpan<UInt8>, at place: inout Int
    ) {
        if !origin.peer.isEmpty {
            text.put(names.peer, at: &place)
            AddressText.put(origin.peer, in: &text, at: &place)
            text.put(names.end, at: &place)
        }
        if !origin.proxy.isEmpty {
            text.put(names.proxy, at: &place)
            AddressText.put(origin.proxy, in: &text, at: &place)
            text.put(names.end, at: &place)
        }
        guard let security = origin.security else { return }
        put(names.tls, security.version, in: &text, at: &place)
        put(names.cipher, security.cipher, in: &text, at: &place)
        if let thumbprint = security.thumbprint {
            put(names.thumbprint, thumbprint, in: &text, at: &place)
        }
    }

    private func put(_ id: RequestID, in text: inout MutableSpan<UInt8>, at place: inout Int) {
        switch id {
        case .given(let given): put(names.requestID, given.span, in: &text, at: &place)
        case .drawn(let drawn):
            text.put(names.requestID, at: &place)
            drawn.storeCode(in: &text, at: place)
            place += SealedIdentifier.codeLength
            text.put(names.end, at: &place)
        }
    }

    private func put(
        _ name: ShortText, _ value: String, in text: inout MutableSpan<UInt8>,
        at place: inout Int
    ) {
        put(name, value.utf8Span.span, in: &text, at: &place)
    }

    private func put(
        _ name: ShortText, _ value: Span<UInt8>, in text: inout MutableSpan<UInt8>,
        at place: inout Int
    ) {
        text.put(name, at: &place)
        if isJSON {
            JSONWriter.putContent(value, in: &text, at: &place)
        } else {
            text.put(value, at: &place)
        }
        text.put(names.end, at: &place)
    }
}

/// What an answer says went wrong.
private struct AccessErrors {
    let codes: String
    let ids: String

    init(_ response: Response, _ ids: [SealedIdentifier]) {
        codes = response.errorObjects.map(\.code.rawValue).joined(separator: ",")
        var text: [UInt8] = []
        for id in ids {
            if !text.isEmpty { text.append(UInt8(ascii: ",")) }
            id.appendToken(to: &text)
        }
        self.ids = String(decoding: text, as: UTF8.self)
    }

    var length: Int { codes.utf8.count + ids.utf8.count }
}

extension StreamSecurity {
    /// Of its texts, in bytes.
    fileprivate var length: Int {
        version.utf8.count + cipher.utf8.count + (thumbprint?.utf8.count ?? 0)
    }
}
