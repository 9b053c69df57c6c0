/// Writes the elements of an array.
struct JSONElementWriter: UnkeyedEncodingContainer {
  let writer: JSONWriter
  let id: JSONFrameID

  var codingPath: [any CodingKey] { writer.path(to: id.index) }
  var count: Int { writer.frame(id)?.pointee.count ?? 0 }

  @inline(__always)
  private func element<Value>(_ value: Value, _ write: (_ place: Int) throws -> Void) throws {
    try writer.part(of: id, value) { try write(writer.beginElement(of: id.index)) }
  }

  func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
    KeyedEncodingContainer(JSONMemberWriter<NestedKey>(writer: writer, id: piece(.object)))
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    JSONElementWriter(writer: writer, id: piece(.array))
  }

  func superEncoder() -> any Encoder { JSONValueEncoder(writer: writer, id: piece(.empty)) }

  private func piece(_ kind: JSONFrame.Kind) -> JSONFrameID {
    guard writer.frame(id) != nil else { return writer.refuse(JSONWriter.misuse) }
    return writer.beginPiece(kind, of: id.index, place: writer.beginElement(of: id.index))
  }

  func encodeNil() throws { try element(Never?.none) { _ in writer.output.append(plain: "null") } }
  func encode(_ value: Bool) throws { try element(value) { _ in writer.output.append(bool: value) } }
  func encode(_ value: String) throws { try element(value) { _ in writer.output.append(string: value) } }
  func encode(_ value: Double) throws {
    try element(value) { try writer.write(number: value, in: id.index, place: $0) }
  }
  func encode(_ value: Float) throws { try element(value) { try writer.write(number: value, in: id.index, place: $0) } }

  func encode<Value: Encodable>(_ value: Value) throws {
    try element(value) { try writer.write(value, in: id.index, place: $0) }
  }

  private func signed(_ value: Int64) throws { try element(value) { _ in writer.output.append(signed: value) } }
  private func unsigned(_ value: UInt64) throws { try element(value) { _ in writer.output.append(digits: value) } }

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
  func encode(_ value: Int128) throws { try element(value) { _ in writer.output.append(plain: value.description) } }
  func encode(_ value: UInt128) throws { try element(value) { _ in writer.output.append(plain: value.description) } }
}
