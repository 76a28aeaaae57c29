// swift-tools-version:6.0
// Apple's Swift Argument Parser 1.8.2, changed: README.md here says how.

import PackageDescription

let package = Package(
  name: "swift-argument-parser",
  products: [.library(name: "ArgumentParser", targets: ["ArgumentParser"])],
  targets: [
    .target(name: "ArgumentParser", dependencies: ["ArgumentParserToolInfo"]),
    .target(name: "ArgumentParserToolInfo"),
  ]
)
