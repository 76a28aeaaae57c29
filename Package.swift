// swift-tools-version: 6.2
//
// The targets below are the only legal edges between modules; Tests/Tidy holds the imports to them.
//
//     obie-tokens ─▶ Server ─▶ UV ─▶ CLibUV
//                           ─▶ HTTP1
//                           ─▶ Metrics
//                           ─▶ Tokens ─▶ swift-crypto
//                 ─▶ SQLiteStore ─▶ Tokens, UV, Metrics, CSQLite
//                 ─▶ Audit ─▶ Tokens, UV, swift-crypto

import PackageDescription

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "obie-tokens",
    products: [.executable(name: "obie-tokens", targets: ["obie-tokens"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibUV", path: "CLibUV", pkgConfig: "libuv",
            providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .target(name: "UV", dependencies: ["CLibUV"], swiftSettings: strict),
        .target(name: "HTTP1", swiftSettings: strict),
        .target(name: "Metrics", swiftSettings: strict),
        .target(
            name: "Tokens",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]),
        .target(
            name: "SQLiteStore",
            dependencies: [
                "CSQLite", "Metrics", "Tokens", "UV",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "Audit",
            dependencies: ["Tokens", "UV", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict),
        .target(
            name: "Server", dependencies: ["UV", "HTTP1", "Metrics", "Tokens"],
            resources: [.embedInCode("openapi.json")], swiftSettings: strict),
        .executableTarget(
            name: "obie-tokens",
            dependencies: [
                "Audit", "Metrics", "SQLiteStore", "Server", "Tokens", "UV",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "StoreContract", dependencies: ["Tokens"], path: "Tests/StoreContract",
            swiftSettings: strict),
        .executableTarget(
            name: "http1-events", dependencies: ["HTTP1"], path: "Tests/Differential/http1-events",
            swiftSettings: strict),
        .testTarget(name: "UVTests", dependencies: ["UV"], swiftSettings: strict),
        .testTarget(name: "HTTP1Tests", dependencies: ["HTTP1"], swiftSettings: strict),
        .testTarget(name: "MetricsTests", dependencies: ["Metrics"], swiftSettings: strict),
        .testTarget(
            name: "TokensTests", dependencies: ["Tokens", "StoreContract", "UV"],
            swiftSettings: strict),
        .testTarget(
            name: "SQLiteStoreTests",
            dependencies: ["SQLiteStore", "StoreContract", "Tokens", "UV"],
            swiftSettings: strict),
        .testTarget(
            name: "AuditTests", dependencies: ["Audit", "Tokens", "UV"], swiftSettings: strict),
        .testTarget(
            name: "ServerTests", dependencies: ["Server", "HTTP1", "Metrics", "Tokens", "UV"],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEnd", dependencies: ["obie-tokens"], swiftSettings: strict),
        .testTarget(name: "Tidy", swiftSettings: strict),
    ]
)

// `make fuzz` builds one target more, and instruments our own modules. Nobody else sees either.
if Context.environment["OBIE_FUZZ"] != nil {
    let instruments = ["-sanitize=fuzzer,address"]
    for target in package.targets where ["UV", "HTTP1", "Tokens", "Server"].contains(target.name) {
        target.swiftSettings =
            strict + [
                .unsafeFlags(instruments + ["-enable-testing", "-assert-config", "Debug"])
            ]
    }
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["Server", "HTTP1", "Tokens", "UV"], path: "Tests/Fuzz",
            exclude: ["corpus", "dictionaries", "run.py"], swiftSettings: strict,
            linkerSettings: [.unsafeFlags(instruments + ["-use-ld=lld"])]))
}
