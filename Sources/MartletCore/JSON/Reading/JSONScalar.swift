/// A type that is read from one token.
protocol JSONScalar {
  static func read(_ document: JSONDocument, at node: Int) throws(JSONValueError) -> Self
}

extension JSONDocument {
  @inline(__always)
  func scalar<Value: JSONScalar>(_ type: Value.Type, at node: Int) throws -> Value {
    do throws(JSONValueError) {
      return try Value.read(self, at: node)
    } catch {
      throw self.error(error, at: node)
    }
  }

  /// Nil for null.
  @inline(__always)
  func scalarIfPresent<Value: JSONScalar>(_ type: Value.Type, at node: Int) throws -> Value? {
    token(node).pointee.kind == .null ? nil : try scalar(type, at: node)
  }
}

extension Bool: JSONScalar {
  static func read(_ document: JSONDocument, at node: Int) throws(JSONValueError) -> Bool {
    switch document.token(node).pointee.kind {
    case .true: return true
    case .false: return false
    // Like Foundation, which does not tell null from another wrong type here.
    default: throw .mismatch(Bool.self)
    }
  }
}

extension String: JSONScalar {
  static func read(_ document: JSONDocument, at node: Int) throws(JSONValueError) -> String {
    try document.string(at: node)
  }
}

extension Double: JSONScalar {
  static func read(_ document: JSONDocument, at node: Int) throws(JSONValueError) -> Double {
    try document.double(at: node)
  }
}

extension Float: JSONScalar {
  static func read(_ document: JSONDocument, at node: Int) throws(JSONValueError) -> Float {
    try document.float(at: node)
  }
}

extension JSONScalar where Self: FixedWidthInteger {
  static func read(_ document: JSONDocument, at node: Int) throws(JSONValueError) -> Self {
    try document.integer(Self.self, at: node)
  }
}

extension Int: JSONScalar {}
extension Int8: JSONScalar {}
extension Int16: JSONScalar {}
extension Int32: JSONScalar {}
extension Int64: JSONScalar {}
extension Int128: JSONScalar {}
extension UInt: JSONScalar {}
extension UInt8: JSONScalar {}
extension UInt16: JSONScalar {}
extension UInt32: JSONScalar {}
extension UInt64: JSONScalar {}
extension UInt128: JSONScalar {}
