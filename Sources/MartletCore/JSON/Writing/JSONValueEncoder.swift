/// The encoder of one value: three words, made for each value that encodes itself.
struct JSONValueEncoder: Encoder {
  let writer: JSONWriter
  let id: JSONFrameID

  var codingPath: [any CodingKey] { writer.path(to: id.index) }
  var userInfo: [CodingUserInfoKey: Any] { writer.userInfo }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(JSONMemberWriter<Key>(writer: writer, id: writer.open(.object, id)))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    JSONElementWriter(writer: writer, id: writer.open(.array, id))
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension JSONValueEncoder: SingleValueEncodingContainer {
  @inline(__always)
  private func single<Value>(_ value: Value, _ write: () throws -> Void) throws {
    try writer.part(of: id, value) {
      let frame = writer.frames.base + id.index
      guard frame.pointee.kind == .empty else { throw writer.error(value, "A second value is encoded.", in: id.index) }
      frame.pointee.kind = .value
      try write()
    }
  }

  func encodeNil() throws { try single(Never?.none) { writer.output.append(plain: "null") } }
  func encode(_ value: Bool) throws { try single(value) { writer.output.append(bool: value) } }
  func encode(_ value: String) throws { try single(value) { writer.output.append(string: value) } }
  func encode(_ value: Double) throws { try single(value) { try writer.write(number: value, in: id.index, place: 0) } }
  func encode(_ value: Float) throws { try single(value) { try writer.write(number: value, in: id.index, place: 0) } }
  func encode(_ value: Int8) throws { try signed(Int64(value)) }
  func encode(_ value: Int16) throws { try signed(Int64(value)) }
  func encode(_ value: Int32) throws { try signed(Int64(value)) }
  func encode(_ value: Int64) throws { try signed(Int64(value)) }
  func encode(_ value: Int) throws { try signed(Int64(value)) }
  func encode(_ value: UInt8) throws { try unsigned(UInt64(value)) }
  func encode(_ value: UInt16) throws { try unsigned(UInt64(value)) }
  func encode(_ value: UInt32) throws { try unsigned(UInt64(value)) }
  func encode(_ value: UInt64) throws { try unsigned(UInt64(value)) }
  func encode(_ value: UInt) throws { try unsigned(UInt64(value)) }
  func encode(_ value: Int128) throws { try single(value) { writer.output.append(plain: value.description) } }
  func encode(_ value: UInt128) throws { try single(value) { writer.output.append(plain: value.description) } }

  private func signed(_ value: Int64) throws { try single(value) { writer.output.append(signed: value) } }
  private func unsigned(_ value: UInt64) throws { try single(value) { writer.output.append(digits: value) } }

  func encode<Value: Encodable>(_ value: Value) throws {
    try single(value) { try writer.write(value, in: id.index, place: 0) }
  }
}
