import Foundation

extension JSONWriter {
  /// Writes a value where the output is: those that the codec knows itself, and the others by their `encode(to:)`.
  ///
  /// `parent` is the frame that it becomes a part of, `place` where in it.
  func write<Value: Encodable>(_ value: Value, in parent: Int, place: Int) throws {
    let type = Value.self
    if type == String.self { return output.append(string: Self.cast(value)) }
    if type == Int.self { return output.append(signed: Int64(Self.cast(value) as Int)) }
    if type == Double.self { return try write(number: Self.cast(value) as Double, in: parent, place: place) }
    if type == Decimal.self { return try write(decimal: Self.cast(value), in: parent, place: place) }
    if type == Date.self {
      return try write(number: (Self.cast(value) as Date).timeIntervalSinceReferenceDate, in: parent, place: place)
    }
    if type == Data.self { return output.append(string: (Self.cast(value) as Data).base64EncodedString()) }
    if type == UUID.self { return output.append(uuid: Self.cast(value)) }
    if type == URL.self { return output.append(string: (Self.cast(value) as URL).absoluteString) }
    try writeFrame(value, in: parent, place: place)
  }

  private func writeFrame<Value: Encodable>(_ value: Value, in parent: Int, place: Int) throws {
    let outer = scope
    let level = frames.base[parent].level + (frames.base[parent].kind == .value ? 0 : 1)
    let id = push(.empty, parent: parent, place: place, level: level)
    scope = id.index
    defer { scope = outer }
    try value.encode(to: JSONValueEncoder(writer: self, id: id))
    try finish(id.index, value)
  }

  /// Completes what an `encode(to:)` wrote.
  private func finish<Value>(_ index: Int, _ value: Value) throws {
    if let failure {
      self.failure = nil
      throw error(value, failure, in: index)
    }
    if frames.count > index + 1 { joinPieces(of: index) }
    let frame = frames.base[index]
    select(frame.stream)
    if frame.kind == .empty, index == 1 { throw error(value, "\(Value.self) encoded no value.", in: index) }
    close(frame.kind)
    names.truncate(to: Int(truncatingIfNeeded: frame.names))
    frames.truncate(to: index)
  }

  /// What is missing at the end of a value; nothing at all was an empty object.
  @inline(__always)
  func close(_ kind: JSONFrame.Kind) {
    switch kind {
    case .object: output.append(UInt8(ascii: "}"))
    case .array: output.append(UInt8(ascii: "]"))
    case .empty: output.append(plain: "{}")
    case .value: break
    }
  }

  @inline(__always)
  func write<Value: BinaryFloatingPoint & CustomStringConvertible>(number: Value, in parent: Int, place: Int) throws {
    guard number.isFinite else { throw notFinite(number, in: parent, place: place) }
    output.append(number: number)
  }

  private func write(decimal: Decimal, in parent: Int, place: Int) throws {
    guard !decimal.isNaN else { throw notFinite(decimal, in: parent, place: place) }
    output.append(decimal: decimal)
  }

  private func notFinite<Value>(_ value: Value, in parent: Int, place: Int) -> EncodingError {
    push(.empty, parent: parent, place: place, level: 0)
    return error(value, "JSON has no number for \(value).", in: frames.count - 1)
  }

  func error(_ value: Any, _ text: String, in index: Int) -> EncodingError {
    .invalidValue(value, EncodingError.Context(codingPath: path(to: index), debugDescription: text))
  }

  /// `Value` is `Known`, only the compiler does not see it.
  @inline(__always)
  private static func cast<Value, Known>(_ value: Value) -> Known { unsafeBitCast(value, to: Known.self) }
}
