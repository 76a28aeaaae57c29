// The pages for people without a socket: whatever they load is there, and the sandbox's counts are right.

import Bytes
import Foundation
import System
import Testing

@testable import Server

@Suite struct PageTests {
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static let console = text(PackageResources.console_html)
    private static let scripts = [
        PackageResources.console_js, PackageResources.mistakes_js, PackageResources.requests_js,
    ].map(text)

    /// Relative, and to nowhere else.
    private static func isPath(_ link: Substring) -> Bool {
        !link.contains(":") && !link.hasPrefix("/")
    }

    @Test func whateverPagesLoadIsThere() throws {
        let pages = [
            Self.console, Self.text(PackageResources.start_html), Self.text(ErrorPage.html),
        ]
        for page in pages {
            let links = page.matches(of: /(?:src|href)="([^"]*)"/).map(\.1)
            #expect(links.count >= 2)
            for link in links where !link.hasPrefix("data:") && !link.hasPrefix("#") {
                #expect(Self.isPath(link), "\(link)")
                let path = "/" + link
                #expect(
                    ["/errors", "/openapi.json"].contains(path)
                        || PageFiles.sandbox.paths.contains(path), "\(link)")
            }
        }
        let imports = Self.scripts.flatMap { $0.matches(of: /from "\.(\/[^"]*)"/).map(\.1) }
        #expect(imports.sorted() == ["/mistakes.js", "/requests.js"])
        for path in imports { #expect(PageFiles.sandbox.paths.contains(String(path))) }
        #expect(PageFiles.everywhere.paths == ["/style.css"])
    }

    /// The policy forbids them all; a browser would only say so on its console.
    @Test func nothingIsInline() {
        for page in [
            Self.console, Self.text(PackageResources.start_html), Self.text(ErrorPage.html),
        ] {
            #expect(page.firstMatch(of: /<style|\sstyle=|\son[a-z]+=|javascript:/) == nil)
            #expect(
                page.matches(of: /<script/).count == page.matches(of: /<script [^>]*src=/).count)
        }
        for script in Self.scripts {
            #expect(
                script.firstMatch(
                    of: /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/)
                    == nil)
            #expect(
                script.firstMatch(of: /localStorage|sessionStorage|indexedDB|document\.cookie/)
                    == nil)
        }
    }

    @Test func everyFileLeadsToItself() {
        for path in PageFiles.sandbox.paths {
            let bytes = Array(path.utf8)
            guard
                case .page(let content, let type) = PageFiles.sandbox.file(
                    bytes.span, 0..<bytes.count)
            else {
                Issue.record("\(path) is no page")
                continue
            }
            #expect(!content.isEmpty)
            #expect(type.hasPrefix(path.hasSuffix(".css") ? "text/css;" : "text/javascript;"))
        }
    }

    @Test func countsAreOfAllLoops() throws {
        let clock = Timekeeper()
        let census = CodeCensus(lifetime: 60_000, now: clock.now())
        let counts = SandboxCounts(census, clock)
        let loops = [LoopMetrics(census), LoopMetrics(census)]
        for loop in loops { counts.add(loop) }
        for _ in 0..<3 {
            loops[0].codesIssued.add()
            census.issued(at: clock.now())
        }
        loops[1].tokensIssued.add()
        census.redeemed(issuedAt: clock.now())
        #expect(
            Self.text(counts.json(codeLifetime: 60_000))
                == #"{"codes":{"issued":3,"live":2,"redeemed":1,"expired":0,"replayed":0},"code_lifetime":60}"#
        )
    }
}
