import struct Foundation.Decimal

extension JSONDocument {
  @inline(__always)
  func integer<Value: FixedWidthInteger>(_ type: Value.Type, at node: Int) throws(JSONValueError) -> Value {
    let number = try number(at: node, as: type)
    if number.isInteger, number.isExact {
      let magnitude = Value(exactly: number.digits)
      if !number.isNegative {
        if let magnitude { return magnitude }
      } else if let magnitude {
        let (value, overflow) = (0 as Value).subtractingReportingOverflow(magnitude)
        if !overflow { return value }
      }
    }
    return try unusualInteger(type, number, at: node)
  }

  /// Integers at the ends of their range, beyond it, or written with a fraction or an exponent: `1.0` is an integer.
  private func unusualInteger<Value: FixedWidthInteger>(_ type: Value.Type, _ number: JSONNumber, at node: Int)
    throws(JSONValueError) -> Value
  {
    let literal = literal(at: node)
    if number.isInteger {
      guard let value = Value(literal) else { throw unrepresentable(at: node) }
      return value
    }
    guard let double = Double(literal), let value = Value(exactly: double) else { throw unrepresentable(at: node) }
    // Above that a double stands for several integers, and the decimal digits tell which was meant.
    if double.magnitude < 0x1p53 { return value }
    guard let decimal = Decimal(string: literal), let value = Value(truncating: decimal) else {
      throw unrepresentable(at: node)
    }
    return value
  }

  @inline(__always)
  func double(at node: Int) throws(JSONValueError) -> Double {
    let number = try number(at: node, as: Double.self)
    if let value = number.fastDouble { return value }
    guard let value = Double(literal(at: node)), value.isFinite, value != 0 || number.digits == 0 else {
      throw unrepresentable(at: node)
    }
    return value
  }

  func float(at node: Int) throws(JSONValueError) -> Float {
    let number = try number(at: node, as: Float.self)
    if let value = number.fastFloat { return value }
    guard let value = Float(literal(at: node)), value.isFinite, value != 0 || number.digits == 0 else {
      throw unrepresentable(at: node)
    }
    return value
  }

  /// From the digits of the text, never through a double.
  func decimal(at node: Int) throws(JSONValueError) -> Decimal {
    let token = token(node).pointee
    guard token.kind == .number else { throw token.kind == .null ? .null(Decimal.self) : .mismatch(Decimal.self) }
    let number = try number(at: node, as: Decimal.self)
    if number.isExact, -64 <= number.exponent, number.exponent <= 64 {
      if number.digits == 0 { return 0 }
      return Decimal(
        sign: number.isNegative ? .minus : .plus, exponent: number.exponent, significand: Decimal(number.digits))
    }
    guard let value = Decimal(string: literal(at: node)) else { throw unrepresentable(at: node) }
    return value
  }

  @inline(__always)
  func number(at node: Int, as type: Any.Type) throws(JSONValueError) -> JSONNumber {
    let token = token(node).pointee
    guard token.kind == .number else { throw token.kind == .null ? .null(type) : .mismatch(type) }
    guard let number = JSONNumber(UnsafeBufferPointer(start: base + Int(token.start), count: Int(token.length))) else {
      throw .syntax(JSONSyntaxError(reason: .badNumber, offset: Int(token.start)))
    }
    return number
  }

  private func literal(at node: Int) -> String {
    let token = token(node).pointee
    return String(
      decoding: UnsafeBufferPointer(start: base + Int(token.start), count: Int(token.length)), as: UTF8.self)
  }

  private func unrepresentable(at node: Int) -> JSONValueError {
    let literal = literal(at: node)
    let shown = literal.count > 64 ? literal.prefix(64) + "…" : literal[...]
    return .syntax(
      JSONSyntaxError(reason: .unrepresentable(String(shown)), offset: Int(token(node).pointee.start)))
  }
}

extension FixedWidthInteger {
  /// The integer part, if the digits of the decimal fit 64 bits.
  fileprivate init?(truncating decimal: Decimal) {
    var digits = Substring(decimal.significand.description)
    if decimal.exponent < 0 {
      digits = digits.dropLast(-decimal.exponent)
    } else {
      digits += String(repeating: "0", count: decimal.exponent)
    }
    guard UInt64(decimal.significand.description) != nil, let magnitude = UInt64(digits) else { return nil }
    self.init(exactly: decimal.isSignMinus ? -Int128(magnitude) : Int128(magnitude))
  }
}
