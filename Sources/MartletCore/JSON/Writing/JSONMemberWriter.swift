/// Writes the members of an object, in the order in which they are encoded. A name that is encoded twice has the
/// second value.
struct JSONMemberWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let writer: JSONWriter
  let id: JSONFrameID

  var codingPath: [any CodingKey] { writer.path(to: id.index) }

  @inline(__always)
  private func member<Value>(_ key: Key, _ value: Value, _ write: (_ place: Int) throws -> Void) throws {
    try writer.part(of: id, value) { try write(writer.beginMember(key.stringValue, of: id.index)) }
  }

  func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type, forKey key: Key)
    -> KeyedEncodingContainer<NestedKey>
  { KeyedEncodingContainer(JSONMemberWriter<NestedKey>(writer: writer, id: piece(.object, key))) }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    JSONElementWriter(writer: writer, id: piece(.array, key))
  }

  func superEncoder() -> any Encoder { JSONValueEncoder(writer: writer, id: piece(.empty, JSONKey.super)) }
  func superEncoder(forKey key: Key) -> any Encoder { JSONValueEncoder(writer: writer, id: piece(.empty, key)) }

  private func piece(_ kind: JSONFrame.Kind, _ key: some CodingKey) -> JSONFrameID {
    guard writer.frame(id) != nil else { return writer.refuse(JSONWriter.misuse) }
    if let same = writer.piece(kind, named: key.stringValue, of: id.index) { return same }
    return writer.beginPiece(kind, of: id.index, place: writer.beginMember(key.stringValue, of: id.index))
  }

  func encodeNil(forKey key: Key) throws { try member(key, Never?.none) { _ in writer.output.append(plain: "null") } }

  func encode(_ value: Bool, forKey key: Key) throws {
    try member(key, value) { _ in writer.output.append(bool: value) }
  }

  func encode(_ value: String, forKey key: Key) throws {
    try member(key, value) { _ in writer.output.append(string: value) }
  }

  func encode(_ value: Double, forKey key: Key) throws {
    try member(key, value) { try writer.write(number: value, in: id.index, place: $0) }
  }

  func encode(_ value: Float, forKey key: Key) throws {
    try member(key, value) { try writer.write(number: value, in: id.index, place: $0) }
  }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    try member(key, value) { try writer.write(value, in: id.index, place: $0) }
  }

  private func signed(_ value: Int64, _ key: Key) throws {
    try member(key, value) { _ in writer.output.append(signed: value) }
  }

  private func unsigned(_ value: UInt64, _ key: Key) throws {
    try member(key, value) { _ in writer.output.append(digits: value) }
  }

  func encode(_ value: Int8, forKey key: Key) throws { try signed(Int64(value), key) }
  func encode(_ value: Int16, forKey key: Key) throws { try signed(Int64(value), key) }
  func encode(_ value: Int32, forKey key: Key) throws { try signed(Int64(value), key) }
  func encode(_ value: Int64, forKey key: Key) throws { try signed(Int64(value), key) }
  func encode(_ value: Int, forKey key: Key) throws { try signed(Int64(value), key) }
  func encode(_ value: UInt8, forKey key: Key) throws { try unsigned(UInt64(value), key) }
  func encode(_ value: UInt16, forKey key: Key) throws { try unsigned(UInt64(value), key) }
  func encode(_ value: UInt32, forKey key: Key) throws { try unsigned(UInt64(value), key) }
  func encode(_ value: UInt64, forKey key: Key) throws { try unsigned(UInt64(value), key) }
  func encode(_ value: UInt, forKey key: Key) throws { try unsigned(UInt64(value), key) }

  func encode(_ value: Int128, forKey key: Key) throws {
    try member(key, value) { _ in writer.output.append(plain: value.description) }
  }

  func encode(_ value: UInt128, forKey key: Key) throws {
    try member(key, value) { _ in writer.output.append(plain: value.description) }
  }
}
