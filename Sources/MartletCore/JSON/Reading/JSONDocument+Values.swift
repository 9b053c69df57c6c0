import Foundation

extension JSONDocument {
  /// A value of any type: those that the codec knows itself, and the others through their `init(from:)`.
  func decode<Value: Decodable>(_ type: Value.Type, at node: Int) throws -> Value {
    do throws(JSONValueError) {
      if type == String.self { return Self.cast(try string(at: node), to: type) }
      if type == Int.self { return Self.cast(try integer(Int.self, at: node), to: type) }
      if type == Double.self { return Self.cast(try double(at: node), to: type) }
      if type == Decimal.self { return Self.cast(try decimal(at: node), to: type) }
      if type == Date.self { return Self.cast(try date(at: node), to: type) }
      if type == Data.self { return Self.cast(try data(at: node), to: type) }
      if type == UUID.self { return Self.cast(try uuid(at: node), to: type) }
      if type == URL.self { return Self.cast(try url(at: node), to: type) }
    } catch {
      throw self.error(error, at: node)
    }
    if token(node).pointee.kind == .array, let array = arrays.array(type) {
      return try read(array, as: type, at: node)
    }
    return try type.init(from: JSONValueDecoder(document: self, node: node))
  }

  @inline(__always)
  private func read<Known: JSONArray, Value>(_ known: Known.Type, as type: Value.Type, at node: Int) throws -> Value {
    Self.cast(try known.read(self, at: node), to: type)
  }

  /// `type` is `Known`, only the compiler does not see it.
  @inline(__always)
  private static func cast<Known, Value>(_ value: Known, to type: Value.Type) -> Value {
    unsafeBitCast(value, to: type)
  }

  /// Seconds since 2001 as Foundation writes them by default, or an ISO 8601 date and time with its zone.
  private func date(at node: Int) throws(JSONValueError) -> Date {
    guard token(node).pointee.kind == .string else {
      return Date(timeIntervalSinceReferenceDate: try double(at: node))
    }
    let text = try string(at: node)
    let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
    for style in styles {
      if let date = try? style.parse(text) { return date }
    }
    throw .corrupted("Expected a date: seconds since 2001 as a number, or like 2001-01-31T23:59:59Z.")
  }

  private func data(at node: Int) throws(JSONValueError) -> Data {
    guard let data = Data(base64Encoded: try string(at: node)) else { throw .corrupted("Expected bytes in base64.") }
    return data
  }

  private func uuid(at node: Int) throws(JSONValueError) -> UUID {
    let token = token(node).pointee
    if token.kind == .string, token.flags.isEmpty, token.length == 36,
      let uuid = UUID(hyphenated: UnsafeBufferPointer(start: base + Int(token.start), count: 36))
    {
      return uuid
    }
    guard let uuid = UUID(uuidString: try string(at: node)) else { throw .corrupted("Expected a UUID.") }
    return uuid
  }

  private func url(at node: Int) throws(JSONValueError) -> URL {
    guard let url = URL(string: try string(at: node)) else { throw .corrupted("Expected a URL.") }
    return url
  }
}
