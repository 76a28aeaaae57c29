// Which redirect URIs may be registered.

import Testing
import Tokens

@Suite struct RegistrableURITests {
    @Test(arguments: [
        "https://psp.example/callback", "https://psp.example", "HTTPS://PSP.example/a?b=c&d=%22",
        "https://psp.example:8443/", "https://[2001:db8::1]:8443/cb", "https://192.0.2.1/",
        "https://xn--bcher-kva.example/", "https://a_b.example/@path", "https://psp.example?at=a@b",
        "http://127.0.0.1/cb", "http://127.255.0.9:49152/cb", "http://[::1]:1/cb",
        "http://localhost/cb", "http://LOCALHOST:65535/cb", "com.example.app:/cb",
        "com.example.app://cb", "com.example.app:/", "Com.Example.App:/cb?x=1",
        "com.googleusercontent.apps.123-abc:/oauth2redirect", "app.javascript:/cb", "io.x:/cb",
        "https://localhost/", "https://psp/", "https://1.example/",
        "https://123.456.example/", "https://a.0xg/", "https://a.1x/", "https://x--y.example/",
        "https://[::ffff:192.0.2.1]/", "https://[2001:db8::192.0.2.1]/",
    ])
    func isRegistered(uri: String) {
        #expect(RegistrableURI.fault(of: uri, allowsPlainText: false) == nil)
    }

    @Test(arguments: [
        ("", RedirectURIFault.empty), ("/relative", .malformed), ("not-a-uri", .malformed),
        ("https:", .malformed), ("https://a.example/%zz", .malformed),
        ("https://a.example/ b", .hasSpaceOrControl), ("https://a.example/\n", .hasSpaceOrControl),
        ("https://a.example/\u{7F}", .hasSpaceOrControl),
        (" https://a.example", .hasSpaceOrControl),
        ("https://bücher.example/", .notASCII), ("https://a.example/\u{200D}", .notASCII),
        ("https://a.example/#", .hasFragment), ("com.example.app:/cb#x", .hasFragment),
        ("https://a.example/\\@b", .malformed), ("javascript:alert(1)", .scheme("javascript")),
        ("JavaScript://a.example/%0aalert(1)", .scheme("javascript")),
        ("data:text/html,x", .scheme("data")), ("vbscript:x", .scheme("vbscript")),
        ("file:///etc/passwd", .scheme("file")), ("blob:https://a.example/1", .scheme("blob")),
        ("about:blank", .scheme("about")),
        ("view-source:https://a.example", .scheme("view-source")),
        ("filesystem:https://a.example/t", .scheme("filesystem")),
        ("ftp://a.example", .scheme("ftp")),
        ("intent://scan/", .scheme("intent")), ("urn:ietf:wg:oauth:2.0:oob", .scheme("urn")),
        ("mailto:a@b.example", .scheme("mailto")), ("myapp:/cb", .scheme("myapp")),
        ("ws://a.example", .scheme("ws")), ("https:a.example", .hostMissing),
        ("https:/a.example", .hostMissing), ("https://", .hostMissing),
        ("https:///cb", .hostMissing),
        ("https://?x", .hostMissing), ("https://:443/", .hostMissing),
        ("https://a.example:/", .portMalformed), ("https://a.example:0/", .portMalformed),
        ("https://a.example:65536/", .portMalformed), ("https://a.example:4a/", .portMalformed),
        ("https://a.example:000443/", .portMalformed),
        ("https://user@a.example/", .hasUserInfo),
        ("https://bank.example@evil.example/", .hasUserInfo),
        ("https://user:secret@a.example/", .hasUserInfo), ("https://@a.example/", .hasUserInfo),
        ("com.example.app://user@cb", .hasUserInfo), ("https://a%2eexample/", .hostMalformed),
        ("https://a,b/", .hostMalformed), ("https://.../", .hostMalformed),
        ("https://h..example/", .hostMalformed), ("https://.example/", .hostMalformed),
        ("https://psp.example./", .hostMalformed), ("https://./", .hostMalformed),
        ("https://-a.example/", .hostMalformed), ("https://a-.example/", .hostMalformed),
        ("https://" + String(repeating: "a", count: 64) + ".example/", .hostMalformed),
        ("https://" + String(repeating: "aaaaaaa.", count: 32) + "example/", .hostMalformed),
        ("https://[::1%25eth0]/", .hostMalformed), ("https://[1:2]/", .hostMalformed),
        ("https://[1::2::3]/", .hostMalformed), ("https://[192.0.2.1]/", .hostMalformed),
        ("https://[v1.x]/", .hostMalformed), ("https://[12345::]/", .hostMalformed),
        ("https://127.1/", .addressMalformed), ("https://2130706433/", .addressMalformed),
        ("https://127.0.0.01/", .addressMalformed), ("https://127.0.0.256/", .addressMalformed),
        ("https://1.2.3.4.5/", .addressMalformed), ("https://psp.1/", .addressMalformed),
        ("https://0x7f000001/", .addressMalformed), ("https://127.0.0.0X1/", .addressMalformed),
        ("https://a.0x/", .addressMalformed), ("https://0/x", .addressMalformed),
        ("http://127.1/", .addressMalformed), ("http://127.0.0/", .addressMalformed),
        ("javascript.x:alert(1)", .scheme("javascript.x")), ("data.x:,x", .scheme("data.x")),
        ("JavaScript.example.app:/cb", .scheme("javascript.example.app")),
        ("https.example:/cb", .scheme("https.example")), ("file.x:/etc", .scheme("file.x")),
        ("com..example:/cb", .scheme("com..example")), ("com.:/cb", .scheme("com.")),
        ("com.-x:/cb", .scheme("com.-x")), ("com.x-:/cb", .scheme("com.x-")),
        ("com.example+app:/cb", .scheme("com.example+app")), ("x.y:/cb", .scheme("x.y")),
        ("https://[::1/", .hostMalformed), ("https://[]/", .hostMalformed),
        ("https://[::g]/", .hostMalformed), ("https://a[::1]/", .hostMalformed),
    ])
    func isRefused(uri: String, fault: RedirectURIFault) {
        for allowsPlainText in [false, true] {
            #expect(RegistrableURI.fault(of: uri, allowsPlainText: allowsPlainText) == fault)
        }
    }

    @Test(arguments: [
        "http://a.example/", "http://128.0.0.1/", "http://127.0.0.1.example/",
        "http://0.0.0.0/", "http://localhost.example/", "http://[::2]/", "HTTP://a.example/",
    ])
    func plainTextIsRefusedUnlessAllowed(uri: String) {
        #expect(RegistrableURI.fault(of: uri, allowsPlainText: false) == .plainText)
        #expect(RegistrableURI.fault(of: uri, allowsPlainText: true) == nil)
    }

    @Test func lengthCountsInBytes() {
        let base = "https://a.example/"
        let longest = base + String(repeating: "p", count: 2048 - base.utf8.count)
        #expect(RegistrableURI.fault(of: longest, allowsPlainText: false) == nil)
        #expect(RegistrableURI.fault(of: longest + "p", allowsPlainText: false) == .tooLong)
    }

    @Test func sandboxTakesPlainHTTPAndNothingElseMore() throws {
        var sandbox = RegistryContent.sandbox
        try sandbox.addProvider("psp", redirectURIs: ["http://a.example/"])
        #expect(throws: RegistryError.redirectURIInvalid("javascript:x", .scheme("javascript"))) {
            try sandbox.addRedirectURI("javascript:x", to: "psp")
        }
        var production = RegistryContent(mode: .production)
        #expect(throws: RegistryError.redirectURIInvalid("http://a.example/", .plainText)) {
            try production.addProvider("psp", redirectURIs: ["http://a.example/"])
        }
        try production.addProvider(
            "other", redirectURIs: ["http://a.example/"], allowsPlainText: true)
    }

    @Test func everyRefusalSaysWhatToWrite() {
        let faults: [RedirectURIFault] = [
            .empty, .tooLong, .notASCII, .hasSpaceOrControl, .hasFragment, .malformed, .scheme("x"),
            .hostMissing, .hostMalformed, .addressMalformed, .portMalformed, .hasUserInfo,
            .plainText,
        ]
        for fault in faults {
            let text = RegistryError.redirectURIInvalid("x:y", fault).description
            #expect(text.contains("write ") || text.contains("leave out"), "\(text)")
        }
    }
}
