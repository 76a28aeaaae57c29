// swift-tools-version: 6.2
//
// The targets below are the only legal edges between modules; Tests/unit/Tidy holds the imports to them.
//
//     obie-tokens ─▶ Server ─▶ UV ─▶ CLibUV, System ─▶ CSystem
//                           ─▶ HTTP1
//                           ─▶ Metrics
//                           ─▶ Reports ─▶ Bytes, Tokens
//                           ─▶ System
//                           ─▶ Tokens
//                 ─▶ Crypto ─▶ Tokens, COpenSSL
//                 ─▶ SQLiteStore ─▶ Crypto, Reports, StoreThreads, Tokens, UV, System, Metrics, CSQLite
//                 ─▶ PostgresStore ─▶ Crypto, Reports, StoreThreads, Tokens, UV, System, Metrics, CPostgres
//                    StoreThreads ─▶ UV, System
//                 ─▶ TLS ─▶ UV, System, Metrics, COpenSSL
//                 ─▶ Certificates ─▶ Tokens, COpenSSL
//                 ─▶ Audit ─▶ Crypto, Tokens, UV, System
//
// Bytes imports nothing. HTTP1, System, Tokens, Audit, TLS, Server and obie-tokens import it.

import PackageDescription

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// The tests of a module, in a folder of their own below Tests/unit.
func unit(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/unit/\(name)", swiftSettings: strict)
}

/// What the server serves from its own bytes.
let embedded: [Resource] = [
    "openapi.json", "console/console.html", "console/console.js", "console/mistakes.js",
    "console/requests.js", "console/start.html", "console/style.css",
].map { .embedInCode("Answers/\($0)") }

let package = Package(
    name: "obie-tokens",
    products: [.executable(name: "obie-tokens", targets: ["obie-tokens"])],
    dependencies: [
        .package(path: "Vendor/swift-argument-parser")
    ],
    targets: [
        .systemLibrary(
            name: "CLibUV", path: "CLibUV", pkgConfig: "libuv",
            providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(name: "CSystem"),
        .target(name: "Bytes", swiftSettings: strict),
        .target(name: "System", dependencies: ["Bytes", "CSystem"], swiftSettings: strict),
        .target(name: "UV", dependencies: ["CLibUV", "System"], swiftSettings: strict),
        .target(name: "HTTP1", dependencies: ["Bytes"], swiftSettings: strict),
        .target(name: "Metrics", swiftSettings: strict),
        .target(name: "Tokens", dependencies: ["Bytes"], swiftSettings: strict),
        .target(name: "Reports", dependencies: ["Bytes", "Tokens"], swiftSettings: strict),
        .target(name: "StoreThreads", dependencies: ["System", "UV"], swiftSettings: strict),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]),
        .target(
            name: "SQLiteStore",
            dependencies: [
                "CSQLite", "Crypto", "Metrics", "Reports", "StoreThreads", "System", "Tokens", "UV",
            ],
            swiftSettings: strict),
        .systemLibrary(name: "CPostgres"),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .target(name: "Crypto", dependencies: ["COpenSSL", "Tokens"], swiftSettings: strict),
        .target(
            name: "TLS", dependencies: ["Bytes", "COpenSSL", "Metrics", "System", "UV"],
            swiftSettings: strict),
        .target(
            name: "Certificates", dependencies: ["Bytes", "COpenSSL", "Tokens"],
            swiftSettings: strict),
        .target(
            name: "PostgresStore",
            dependencies: [
                "Bytes", "CPostgres", "Crypto", "Metrics", "Reports", "StoreThreads", "System",
                "Tokens", "UV",
            ],
            swiftSettings: strict),
        .target(
            name: "Audit", dependencies: ["Bytes", "Crypto", "System", "Tokens", "UV"],
            swiftSettings: strict),
        .target(
            name: "Server",
            dependencies: ["Bytes", "UV", "HTTP1", "Metrics", "Reports", "System", "Tokens"],
            resources: embedded,
            swiftSettings: strict),
        .executableTarget(
            name: "obie-tokens",
            dependencies: [
                "Audit", "Bytes", "Certificates", "Crypto", "Metrics", "PostgresStore", "Reports",
                "SQLiteStore", "Server", "System", "TLS", "Tokens", "UV",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "StoreContract", dependencies: ["CryptoForTests", "Tokens"],
            path: "Tests/contracts/StoreContract",
            swiftSettings: strict),
        .target(
            name: "ByteStreamContract", dependencies: ["UV"],
            path: "Tests/contracts/ByteStreamContract", swiftSettings: strict),
        .executableTarget(
            name: "http1-events", dependencies: ["Bytes", "HTTP1"],
            path: "Tests/differential/http1-events", swiftSettings: strict),
        .testTarget(
            name: "EndToEnd", dependencies: ["COpenSSL", "obie-tokens"], path: "Tests/endtoend",
            swiftSettings: strict),
        unit("BytesTests", "Bytes"),
        unit("SystemTests", "System"),
        unit("UVTests", "ByteStreamContract", "System", "UV"),
        unit("HTTP1Tests", "Bytes", "HTTP1"),
        unit("MetricsTests", "Metrics"),
        .target(
            name: "CryptoForTests", dependencies: ["Crypto", "Tokens"],
            path: "Tests/contracts/CryptoForTests", swiftSettings: strict),
        unit("CryptoTests", "Crypto", "Tokens"),
        unit("ReportsTests", "Reports", "Tokens"),
        unit("TokensTests", "CryptoForTests", "StoreContract", "System", "Tokens", "UV"),
        .target(name: "FailingDisk", dependencies: ["CSQLite"], path: "Tests/unit/FailingDisk"),
        unit(
            "SQLiteStoreTests", "CSQLite", "CryptoForTests", "FailingDisk", "Metrics", "Reports",
            "SQLiteStore", "Server",
            "StoreContract", "StoreThreads", "System", "Tokens", "UV"),
        unit("CertificatesTests", "Certificates", "Tokens"),
        unit("StoreThreadsTests", "StoreThreads", "UV"),
        unit("TLSTests", "ByteStreamContract", "COpenSSL", "Metrics", "System", "TLS", "UV"),
        unit(
            "PostgresStoreTests", "CPostgres", "CryptoForTests", "Metrics", "PostgresStore",
            "Reports",
            "StoreContract",
            "StoreThreads", "System", "Tokens", "UV"),
        unit("AuditTests", "Audit", "Crypto", "CryptoForTests", "System", "Tokens", "UV"),
        unit(
            "ServerTests", "Bytes", "CryptoForTests", "Server", "HTTP1", "Metrics", "Reports",
            "System",
            "Tokens", "UV"),
        unit("Tidy"),
    ]
)

// `make fuzz` builds one target more, and instruments our own modules. Nobody else sees either.
if Context.environment["OBIE_FUZZ"] != nil {
    let instruments = ["-sanitize=fuzzer,address"]
    for target in package.targets
    where ["Bytes", "System", "UV", "HTTP1", "TLS", "Tokens", "Server"].contains(target.name) {
        target.swiftSettings =
            strict + [
                .unsafeFlags(instruments + ["-enable-testing", "-assert-config", "Debug"])
            ]
    }
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Bytes", "COpenSSL", "CryptoForTests", "Server", "HTTP1", "System", "TLS", "Tokens",
                "UV",
            ],
            path: "Tests/fuzz", exclude: ["dictionaries", "run.py"], swiftSettings: strict,
            linkerSettings: [.unsafeFlags(instruments + ["-use-ld=lld"])]))
}
