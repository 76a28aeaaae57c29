// /openapi.json against the tables of the code: no route, status or error code is missing or made up.

import Foundation
import Testing

@testable import Server

@Suite struct DescriptionTests {
    private typealias Object = [String: Any]

    private static func description(
        _ text: [UInt8] = PackageResources.openapi_json
    ) throws -> [String: Any] {
        let json = try JSONSerialization.jsonObject(with: Data(text))
        return try #require(json as? [String: Any])
    }

    @Test func everyRouteIsDescribedAndNoOther() throws {
        let paths = try #require(try Self.description()["paths"] as? Object)
        // Those of the admin listener, and what is no path of the API's.
        let others: Set<Route> = [.live, .ready, .metrics, .file, .other]
        let routes = Set(Route.allCases).subtracting(others).map(\.template)
        #expect(Set(paths.keys) == Set(routes))
    }

    /// What answers 404 there is not described; everything else is, in the same words.
    @Test func productionDescribesNoPathOfTheSandbox() throws {
        guard case .content(let text, _, _) = Pages.description else {
            return #expect(Bool(false), "the description is no content")
        }
        let production = try Self.description(text)
        var sandbox = try Self.description()
        var paths = try #require(sandbox["paths"] as? Object)
        #expect(paths.removeValue(forKey: "/sandbox/counts") != nil)
        sandbox["paths"] = paths
        #expect(production as NSDictionary == sandbox as NSDictionary)
    }

    /// Every operation takes the id of a request, and every response has it.
    @Test func everyResponseIsDescribedWithItsRequestID() throws {
        let description = try Self.description()
        let paths = try #require(description["paths"] as? [String: [String: Object]])
        let components = try #require(description["components"] as? Object)
        var responses = Array(try #require(components["responses"] as? [String: Object]).values)
        for operation in paths.values.flatMap(\.values) {
            let parameters = operation["parameters"] as? [[String: String]] ?? []
            #expect(parameters.contains(["$ref": "#/components/parameters/RequestID"]))
            responses += try #require(operation["responses"] as? [String: Object]).values
        }
        for response in responses where response["$ref"] == nil {
            let headers = response["headers"] as? [String: [String: String]]
            #expect(headers?["X-Request-Id"] == ["$ref": "#/components/headers/RequestID"])
        }
    }

    /// Each response has an example for each code that can come with its status.
    @Test func everyErrorIsDescribedUnderItsStatusAndNoOther() throws {
        let components = try #require(try Self.description()["components"] as? Object)
        let schemas = try #require(components["schemas"] as? [String: Object])
        let properties = try #require(schemas["Error"]?["properties"] as? [String: Object])
        let listed = try #require(properties["code"]?["enum"] as? [String])
        #expect(Set(listed) == Set(ErrorCode.allCases.map(\.rawValue)))

        let paths = try #require(try Self.description()["paths"] as? [String: Object])
        let post = try #require(paths["/v1/obie/tokens"]?["post"] as? Object)
        let responses = try #require(post["responses"] as? [String: Object])
        let shared = try #require(components["responses"] as? [String: Object])
        var described: [String: Int] = [:]
        for (status, response) in responses {
            guard let name = (response["$ref"] as? String)?.split(separator: "/").last else {
                continue
            }
            let content = try #require(shared[String(name)]?["content"] as? [String: Object])
            let examples = try #require(content["application/json"]?["examples"] as? Object)
            for code in examples.keys { described[code] = Int(status) }
        }
        let known = ErrorCode.allCases.map { ($0.rawValue, $0.status.code) }
        #expect(described == Dictionary(uniqueKeysWithValues: known))
    }
}
