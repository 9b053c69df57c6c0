/// The elements of an array, read one after the other. Three words, so that it needs no box.
struct JSONElements: UnkeyedDecodingContainer {
  let document: JSONDocument
  private let array: UInt32
  /// The token of the next element.
  private var node: UInt32
  private var position: UInt32 = 0

  init(document: JSONDocument, array: Int) {
    self.document = document
    self.array = UInt32(truncatingIfNeeded: array)
    node = UInt32(truncatingIfNeeded: array + 1)
  }

  var codingPath: [any CodingKey] { document.path(to: Int(array)) }
  var count: Int? { Int(document.token(Int(array)).pointee.length) }
  var currentIndex: Int { Int(position) }
  var isAtEnd: Bool { node >= document.token(Int(array)).pointee.next }

  mutating func decodeNil() throws -> Bool {
    guard document.token(try next(Never.self)).pointee.kind == .null else { return false }
    advance()
    return true
  }

  mutating func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) throws
    -> KeyedDecodingContainer<NestedKey>
  {
    let node = try next(KeyedDecodingContainer<NestedKey>.self)
    let container = try JSONValueDecoder(document: document, node: node).container(keyedBy: type)
    advance()
    return container
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let node = try next((any UnkeyedDecodingContainer).self)
    let container = try JSONValueDecoder(document: document, node: node).unkeyedContainer()
    advance()
    return container
  }

  mutating func superDecoder() throws -> any Decoder {
    let node = try next((any Decoder).self)
    advance()
    return JSONValueDecoder(document: document, node: node)
  }

  @inline(__always)
  private func next(_ type: Any.Type) throws -> Int {
    if isAtEnd { throw ended(type) }
    return Int(node)
  }

  @inline(never)
  private func ended(_ type: Any.Type) -> DecodingError {
    .valueNotFound(
      type,
      DecodingError.Context(
        codingPath: codingPath + [JSONKey(index: currentIndex)], debugDescription: "The array has no more elements."))
  }

  @inline(__always)
  private mutating func advance() {
    node = document.token(Int(node)).pointee.next
    position &+= 1
  }

  @inline(__always)
  private mutating func scalar<Value: JSONScalar>(_ type: Value.Type) throws -> Value {
    let value = try document.scalar(type, at: next(type))
    advance()
    return value
  }

  @inline(__always)
  private mutating func scalarIfPresent<Value: JSONScalar>(_ type: Value.Type) throws -> Value? {
    if isAtEnd { return nil }
    let value = try document.scalarIfPresent(type, at: Int(node))
    advance()
    return value
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let value = try document.decode(type, at: next(type))
    advance()
    return value
  }

  mutating func decodeIfPresent<Value: Decodable>(_ type: Value.Type) throws -> Value? {
    if isAtEnd { return nil }
    let value = document.token(Int(node)).pointee.kind == .null ? nil : try document.decode(type, at: Int(node))
    advance()
    return value
  }

  mutating func decode(_ type: Bool.Type) throws -> Bool { try scalar(type) }
  mutating func decode(_ type: String.Type) throws -> String { try scalar(type) }
  mutating func decode(_ type: Double.Type) throws -> Double { try scalar(type) }
  mutating func decode(_ type: Float.Type) throws -> Float { try scalar(type) }
  mutating func decode(_ type: Int.Type) throws -> Int { try scalar(type) }
  mutating func decode(_ type: Int8.Type) throws -> Int8 { try scalar(type) }
  mutating func decode(_ type: Int16.Type) throws -> Int16 { try scalar(type) }
  mutating func decode(_ type: Int32.Type) throws -> Int32 { try scalar(type) }
  mutating func decode(_ type: Int64.Type) throws -> Int64 { try scalar(type) }
  mutating func decode(_ type: Int128.Type) throws -> Int128 { try scalar(type) }
  mutating func decode(_ type: UInt.Type) throws -> UInt { try scalar(type) }
  mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try scalar(type) }
  mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try scalar(type) }
  mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try scalar(type) }
  mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try scalar(type) }
  mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try scalar(type) }

  mutating func decodeIfPresent(_ type: Bool.Type) throws -> Bool? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: String.Type) throws -> String? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Double.Type) throws -> Double? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Float.Type) throws -> Float? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Int.Type) throws -> Int? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Int8.Type) throws -> Int8? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Int16.Type) throws -> Int16? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Int32.Type) throws -> Int32? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Int64.Type) throws -> Int64? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: Int128.Type) throws -> Int128? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: UInt.Type) throws -> UInt? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: UInt8.Type) throws -> UInt8? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: UInt16.Type) throws -> UInt16? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: UInt32.Type) throws -> UInt32? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: UInt64.Type) throws -> UInt64? { try scalarIfPresent(type) }
  mutating func decodeIfPresent(_ type: UInt128.Type) throws -> UInt128? { try scalarIfPresent(type) }
}
