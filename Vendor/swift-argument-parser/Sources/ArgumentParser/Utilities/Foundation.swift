//===----------------------------------------------------------------------===//
//
// This source file is part of the Swift Argument Parser open source project
//
// Copyright (c) 2025 Apple Inc. and the Swift project authors
// Licensed under Apache License v2.0 with Runtime Library Exception
//
// See https://swift.org/LICENSE.txt for license information
//
//===----------------------------------------------------------------------===//

// Changed from upstream: nothing of Foundation is used.

extension Error {
  func describe() -> String { String(describing: self) }
}

enum JSONEncoder {
  static func encode<T: Encodable>(_ value: T) -> String {
    let root = JSONValue()
    // The description of a command is made of texts, numbers and truths, none of which fails.
    guard (try? root.take(value)) != nil else { return "" }
    return root.text()
  }
}
