/// The decoder of one value: two words, made for each value that decodes itself.
struct JSONValueDecoder: Decoder {
  let document: JSONDocument
  let node: Int

  var codingPath: [any CodingKey] { document.path(to: node) }
  var userInfo: [CodingUserInfoKey: Any] { document.userInfo }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard document.token(node).pointee.kind == .object else { throw wrongContainer([String: Any].self) }
    try document.prepare(node)
    return document.containers.container(keyedBy: type, of: node, in: document)
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard document.token(node).pointee.kind == .array else { throw wrongContainer([Any].self) }
    return JSONElements(document: document, array: node)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { self }

  private func wrongContainer(_ type: Any.Type) -> DecodingError {
    document.error(document.token(node).pointee.kind == .null ? .null(type) : .mismatch(type), at: node)
  }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
  func decodeNil() -> Bool { document.token(node).pointee.kind == .null }

  func decode(_ type: Bool.Type) throws -> Bool { try document.scalar(type, at: node) }
  func decode(_ type: String.Type) throws -> String { try document.scalar(type, at: node) }
  func decode(_ type: Double.Type) throws -> Double { try document.scalar(type, at: node) }
  func decode(_ type: Float.Type) throws -> Float { try document.scalar(type, at: node) }
  func decode(_ type: Int.Type) throws -> Int { try document.scalar(type, at: node) }
  func decode(_ type: Int8.Type) throws -> Int8 { try document.scalar(type, at: node) }
  func decode(_ type: Int16.Type) throws -> Int16 { try document.scalar(type, at: node) }
  func decode(_ type: Int32.Type) throws -> Int32 { try document.scalar(type, at: node) }
  func decode(_ type: Int64.Type) throws -> Int64 { try document.scalar(type, at: node) }
  func decode(_ type: Int128.Type) throws -> Int128 { try document.scalar(type, at: node) }
  func decode(_ type: UInt.Type) throws -> UInt { try document.scalar(type, at: node) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try document.scalar(type, at: node) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try document.scalar(type, at: node) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try document.scalar(type, at: node) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try document.scalar(type, at: node) }
  func decode(_ type: UInt128.Type) throws -> UInt128 { try document.scalar(type, at: node) }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try document.decode(type, at: node) }
}
