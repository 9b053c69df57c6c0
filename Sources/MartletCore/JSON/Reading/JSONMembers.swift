/// The members of an object.
///
/// `allKeys` has them in the order of the text; of equal names the first counts, as with Foundation.
struct JSONMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
  /// Kept alive by whoever decodes, or by the view.
  let reference: Unmanaged<JSONDocument>
  let place: UnsafeMutablePointer<Int>
  let view: JSONObjectView

  private var document: JSONDocument { reference.takeUnretainedValue() }
  private var object: Int { place.pointee }

  var codingPath: [any CodingKey] { document.path(to: object) }

  var allKeys: [Key] {
    var keys: [Key] = []
    keys.reserveCapacity(Int(document.token(object).pointee.length))
    document.forEachMember(of: object) { node in
      if let name = try? document.name(of: node), let key = Key(stringValue: name) { keys.append(key) }
    }
    return keys
  }

  func contains(_ key: Key) -> Bool { find(key) != nil }

  func decodeNil(forKey key: Key) throws -> Bool { document.token(try member(key)).pointee.kind == .null }

  func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<NestedKey>
  { try JSONValueDecoder(document: document, node: member(key)).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try JSONValueDecoder(document: document, node: member(key)).unkeyedContainer()
  }

  func superDecoder() -> any Decoder { superDecoder(named: JSONKey.super) }
  func superDecoder(forKey key: Key) -> any Decoder { superDecoder(named: key) }

  /// A member that is missing decodes as null.
  private func superDecoder(named key: any CodingKey) -> any Decoder {
    let node = document.member(named: key.stringValue, of: object) ?? document.appendNull(in: object, key: key)
    return JSONValueDecoder(document: document, node: node)
  }

  @inline(__always)
  private func find(_ key: Key) -> Int? {
    let name = key.stringValue
    return reference._withUnsafeGuaranteedRef { $0.member(named: name, of: object) }
  }

  @inline(__always)
  private func member(_ key: Key) throws -> Int {
    if let node = find(key) { return node }
    throw missing(key)
  }

  @inline(never)
  private func missing(_ key: Key) -> DecodingError {
    .keyNotFound(
      key, DecodingError.Context(codingPath: codingPath, debugDescription: "There is no \"\(key.stringValue)\"."))
  }

  @inline(__always)
  private func scalar<Value: JSONScalar>(_ type: Value.Type, _ key: Key) throws -> Value {
    let node = try member(key)
    return try reference._withUnsafeGuaranteedRef { try $0.scalar(type, at: node) }
  }

  @inline(__always)
  private func scalarIfPresent<Value: JSONScalar>(_ type: Value.Type, _ key: Key) throws -> Value? {
    guard let node = find(key) else { return nil }
    return try reference._withUnsafeGuaranteedRef { try $0.scalarIfPresent(type, at: node) }
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let node = try member(key)
    return try reference._withUnsafeGuaranteedRef { try $0.decode(type, at: node) }
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    guard let node = find(key), document.token(node).pointee.kind != .null else { return nil }
    return try document.decode(type, at: node)
  }

  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try scalar(type, key) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try scalar(type, key) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try scalar(type, key) }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try scalar(type, key) }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try scalar(type, key) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try scalar(type, key) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try scalar(type, key) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try scalar(type, key) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try scalar(type, key) }
  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try scalar(type, key) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try scalar(type, key) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try scalar(type, key) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try scalar(type, key) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try scalar(type, key) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try scalar(type, key) }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try scalar(type, key) }

  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: Int128.Type, forKey key: Key) throws -> Int128? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try scalarIfPresent(type, key) }
  func decodeIfPresent(_ type: UInt128.Type, forKey key: Key) throws -> UInt128? { try scalarIfPresent(type, key) }
}
