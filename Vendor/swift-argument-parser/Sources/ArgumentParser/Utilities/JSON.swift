// Not of upstream: writes values as JSON, with sorted names, as far as descriptions of commands need it.

/// One value of a text in JSON, as it comes into being.
final class JSONValue {
  private enum Content {
    case null
    case scalar(String)
    case list([JSONValue])
    case object([String: JSONValue])
  }

  private var content = Content.null

  func take<T: Encodable>(_ value: T) throws {
    switch value {
    case let value as String: content = .scalar(JSONValue.quoted(value))
    case let value as Bool: content = .scalar(value ? "true" : "false")
    case let value as any BinaryInteger: content = .scalar(String(value))
    case let value as Double: content = .scalar(String(value))
    default: try value.encode(to: JSONValueEncoder(value: self))
    }
  }

  func becomeList() { if case .list = content {} else { content = .list([]) } }

  func becomeObject() { if case .object = content {} else { content = .object([:]) } }

  var count: Int {
    if case .list(let values) = content { values.count } else { 0 }
  }

  func append() -> JSONValue {
    let new = JSONValue()
    if case .list(let values) = content { content = .list(values + [new]) }
    return new
  }

  func member(_ name: String) -> JSONValue {
    guard case .object(var members) = content else { return JSONValue() }
    let new = members[name] ?? JSONValue()
    members[name] = new
    content = .object(members)
    return new
  }

  func text(indent: String = "") -> String {
    let deeper = indent + "  "
    func lines(_ items: [String], _ open: String, _ close: String) -> String {
      guard !items.isEmpty else { return open + close }
      let body = items.map { deeper + $0 }.joined(separator: ",\n")
      return "\(open)\n\(body)\n\(indent)\(close)"
    }
    switch content {
    case .null: return "null"
    case .scalar(let text): return text
    case .list(let values):
      return lines(values.map { $0.text(indent: deeper) }, "[", "]")
    case .object(let members):
      let sorted = members.sorted { $0.key < $1.key }
      return lines(
        sorted.map { "\(JSONValue.quoted($0.key)) : \($0.value.text(indent: deeper))" }, "{", "}")
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

private struct JSONValueEncoder: Encoder {
  let value: JSONValue
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    value.becomeObject()
    return KeyedEncodingContainer(JSONMembers(value: value))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    value.becomeList()
    return JSONElements(value: value)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { JSONScalar(value: value) }
}

private struct JSONMembers<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let value: JSONValue
  var codingPath: [any CodingKey] { [] }

  func encodeNil(forKey key: Key) { _ = value.member(key.stringValue) }

  func encode<T: Encodable>(_ new: T, forKey key: Key) throws {
    try value.member(key.stringValue).take(new)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    JSONValueEncoder(value: value.member(key.stringValue)).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    JSONValueEncoder(value: value.member(key.stringValue)).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { JSONValueEncoder(value: value.member("super")) }

  func superEncoder(forKey key: Key) -> any Encoder {
    JSONValueEncoder(value: value.member(key.stringValue))
  }
}

private struct JSONElements: UnkeyedEncodingContainer {
  let value: JSONValue
  var codingPath: [any CodingKey] { [] }
  var count: Int { value.count }

  func encodeNil() { _ = value.append() }

  func encode<T: Encodable>(_ new: T) throws { try value.append().take(new) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) -> KeyedEncodingContainer<Nested> {
    JSONValueEncoder(value: value.append()).container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    JSONValueEncoder(value: value.append()).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { JSONValueEncoder(value: value.append()) }
}

private struct JSONScalar: SingleValueEncodingContainer {
  let value: JSONValue
  var codingPath: [any CodingKey] { [] }

  func encodeNil() {}

  func encode<T: Encodable>(_ new: T) throws { try value.take(new) }
}
