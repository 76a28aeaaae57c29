// What an answer has to look like: one place for the shape of successes and of errors, so that
// every test that meets an answer checks all of it.

import Foundation
import Testing

/// One element of an `errors` array.
struct ErrorItem: Sendable {
    var id: String
    var code: String
    var title: String
    var link: String
}

/// What the right status with the wrong shape is.
struct WrongShape: Error {
    var problem: String
    var text: String
}

extension HTTPResponse {
    func json() throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        else { throw WrongShape(problem: "not an object", text: text) }
        return object
    }

    /// The only member of the body.
    private func member(_ name: String) throws -> Any {
        let object = try json()
        guard object.count == 1, let value = object[name] else {
            throw WrongShape(problem: "not only \(name)", text: text)
        }
        return value
    }

    func data() throws -> [String: Any] {
        guard let data = try member("data") as? [String: Any] else {
            throw WrongShape(problem: "data is no object", text: text)
        }
        return data
    }

    func errors() throws -> [ErrorItem] {
        guard let items = try member("errors") as? [[String: Any]], !items.isEmpty else {
            throw WrongShape(problem: "errors is no list of objects", text: text)
        }
        return try items.map { item in
            guard Set(item.keys) == ["id", "code", "title", "link"],
                let id = item["id"] as? String, let code = item["code"] as? String,
                let title = item["title"] as? String, let link = item["link"] as? String
            else { throw WrongShape(problem: "not exactly four strings", text: text) }
            return ErrorItem(id: id, code: code, title: title, link: link)
        }
    }

    /// The code of a 201 from `authorization_codes`.
    func authorizationCode() throws -> String {
        guard let parameters = try redirectParameters(), let code = parameters["code"] as? String
        else { throw WrongShape(problem: "no code", text: text) }
        return code
    }

    func redirectParameters() throws -> [String: Any]? {
        let redirect = try data()["redirect_uri"] as? [String: Any]
        return redirect?["parameters"] as? [String: Any]
    }

    /// Removes what must differ between two answers.
    var textWithoutIdentifiers: String {
        text.replacing(/"id":"[^"]*"/, with: #""id":"…""#)
    }
}

/// The headers that every answer to a /v1/obie endpoint has.
func expectCommonHeaders(
    _ response: HTTPResponse, _ here: SourceLocation = #_sourceLocation
) {
    #expect(response["Content-Type"] == "application/json", sourceLocation: here)
    #expect(response["Cache-Control"] == "no-store", sourceLocation: here)
    #expect(response["Pragma"] == "no-cache", sourceLocation: here)
    expectDate(response, here)
    #expect(response["Content-Length"] == "\(response.body.count)", sourceLocation: here)
}

/// IMF-fixdate, and the time at which it came.
func expectDate(_ response: HTTPResponse, _ here: SourceLocation = #_sourceLocation) {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    let date = response["Date"].flatMap { formatter.date(from: $0) }
    #expect(
        date.map { abs($0.timeIntervalSince(response.receivedAt)) < 3 } == true,
        sourceLocation: here)
    // And by this an answer is found in the logs.
    let ids = response.values("X-Request-Id")
    #expect(ids.count == 1 && (1...128).contains(ids[0].utf8.count), sourceLocation: here)
}

/// An error of a /v1/obie endpoint with exactly these codes, in any order.
@discardableResult
func expectErrors(
    _ response: HTTPResponse, _ status: Int, _ codes: String..., on server: ServerProcess,
    _ here: SourceLocation = #_sourceLocation
) throws -> [ErrorItem] {
    expectCommonHeaders(response, here)
    return try expectErrorBody(response, status, codes, on: server, here)
}

/// An error with exactly these codes, wherever it comes from.
@discardableResult
func expectErrorBody(
    _ response: HTTPResponse, _ status: Int, _ codes: [String], on server: ServerProcess,
    _ here: SourceLocation = #_sourceLocation
) throws -> [ErrorItem] {
    #expect(response.status == status, "\(response.text)", sourceLocation: here)
    #expect(response["Content-Type"] == "application/json", sourceLocation: here)
    expectDate(response, here)
    let challenge = #"Basic realm="obie", charset="UTF-8""#
    #expect(
        response.values("WWW-Authenticate") == (status == 401 ? [challenge] : []),
        sourceLocation: here)
    let items = try errors(of: response, here)
    #expect(items.map(\.code).sorted() == codes.sorted(), "\(response.text)", sourceLocation: here)
    for item in items {
        #expect(item.link == "\(server.origin)/errors#\(item.code)", sourceLocation: here)
        #expect(!item.id.isEmpty && !item.title.isEmpty, sourceLocation: here)
        #expect(!item.title.contains("\n"), sourceLocation: here)
    }
    #expect(Set(items.map(\.id)).count == items.count, sourceLocation: here)
    return items
}

private func errors(of response: HTTPResponse, _ here: SourceLocation) throws -> [ErrorItem] {
    do {
        return try response.errors()
    } catch {
        Issue.record(error, "\(response.status)", sourceLocation: here)
        throw error
    }
}

/// A 201 of `tokens`.
func expectToken(
    _ response: HTTPResponse, expiresIn: Int? = 31_104_000, state: String? = nil,
    _ here: SourceLocation = #_sourceLocation
) throws {
    #expect(response.status == 201, "\(response.text)", sourceLocation: here)
    expectCommonHeaders(response, here)
    let data = try response.data()
    let names = ["access_token", "token_type"] + (expiresIn == nil ? [] : ["expires_in"])
    #expect(Set(data.keys) == Set(names + (state == nil ? [] : ["state"])), sourceLocation: here)
    #expect(data["token_type"] as? String == "bearer", sourceLocation: here)
    #expect(data["expires_in"] as? Int == expiresIn, sourceLocation: here)
    let givenState = (data["state"] as? String).map { Array($0.unicodeScalars) }
    #expect(givenState == state.map { Array($0.unicodeScalars) }, sourceLocation: here)
    let token = try #require(data["access_token"] as? String, sourceLocation: here)
    let shape = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
    #expect(
        token == Sandbox.ccgToken || token.wholeMatch(of: shape) != nil, sourceLocation: here)
}

/// A 201 of `authorization_codes`; its code.
@discardableResult
func expectCode(
    _ response: HTTPResponse, state: String? = nil, redirectURI: String = Sandbox.redirectURI,
    _ here: SourceLocation = #_sourceLocation
) throws -> String {
    #expect(response.status == 201, "\(response.text)", sourceLocation: here)
    expectCommonHeaders(response, here)
    let data = try response.data()
    #expect(Set(data.keys) == ["redirect_uri"], sourceLocation: here)
    let redirect = try #require(data["redirect_uri"] as? [String: Any], sourceLocation: here)
    #expect(Set(redirect.keys) == ["base_uri", "parameters"], sourceLocation: here)
    #expect(redirect["base_uri"] as? String == redirectURI, sourceLocation: here)
    let parameters = try #require(try response.redirectParameters(), sourceLocation: here)
    #expect(
        Set(parameters.keys) == (state == nil ? ["code"] : ["code", "state"]), sourceLocation: here)
    let givenState = (parameters["state"] as? String).map { Array($0.unicodeScalars) }
    #expect(givenState == state.map { Array($0.unicodeScalars) }, sourceLocation: here)
    let code = try response.authorizationCode()
    #expect(code.wholeMatch(of: /[0-9a-z]{25,64}/) != nil, sourceLocation: here)
    return code
}

extension ServerProcess {
    /// A fresh code.
    func newCode(_ changes: [String: String?] = [:]) throws -> String {
        try expectCode(answer(to: .makeCode(changes)))
    }
}
