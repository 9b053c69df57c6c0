import Foundation
import MartletCore
import Testing

/// Numbers to the last bit, compared with Foundation. The argument of a failing case is its seed.
@Suite struct JSONNumberTests {
  @Test(arguments: UInt64(1)...10)
  func doublesAndFloatsAreExactToTheBit(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let double = Double(bitPattern: generator.next())
      guard double.isFinite else { continue }
      let text = try JSON.encode(double)
      #expect(try JSON.decode(Double.self, from: text).bitPattern == double.bitPattern, "\(double)")
      #expect(Data(text) == (try JSONEncoder().encode(double)))
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
      guard float.isFinite else { continue }
      #expect(try JSON.decode(Float.self, from: try JSON.encode(float)).bitPattern == float.bitPattern, "\(float)")
      #expect(Data(try JSON.encode(float)) == (try JSONEncoder().encode(float)))
    }
  }

  @Test(arguments: UInt64(1)...10)
  func literalsOfAnyShapeAreReadAsFoundationReadsThem(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    func digits(_ range: ClosedRange<Int>) -> String {
      (0..<Int.random(in: range, using: &generator)).map { _ in "\(Int.random(in: 0...9, using: &generator))" }.joined()
    }
    for _ in 0..<250 {
      var literal = Bool.random(using: &generator) ? "-" : ""
      literal +=
        ["0", "\(Int.random(in: 1...9, using: &generator))\(digits(0...20))"].randomElement(using: &generator) ?? ""
      if Bool.random(using: &generator) { literal += ".\(digits(1...22))" }
      let isZero = !literal.contains { ("1"..."9").contains($0) }
      if Bool.random(using: &generator), !isZero {
        literal += ["e", "E", "e+", "e-"].randomElement(using: &generator) ?? "" + ""
        literal += "\(Int.random(in: 0...40, using: &generator))"
      }
      expectSame([Double].self, "[\(literal)]")
      expectSame([Float].self, "[\(literal)]")
      expectSame([Decimal].self, "[\(literal)]")
      expectSame([Int].self, "[\(literal)]")
      expectSame([UInt16].self, "[\(literal)]")
    }
  }

  @Test(arguments: UInt64(1)...10)
  func decimalsAreWrittenWithAllTheirDigits(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let value = Decimal.random(&generator)
      #expect(try JSON.encode(value).description == value.description)
      #expect(try JSON.decode(Decimal.self, from: try JSON.encode(value)) == value)
    }
    for value in [0, 1, -1, 10, 100, Decimal(UInt64.max), -Decimal(Int64.max), .greatestFiniteMagnitude, .pi] {
      #expect(try JSON.encode(value).description == value.description)
    }
  }

  @Test func integersAtTheirLimitsSurvive() throws {
    func check<Value: FixedWidthInteger & Codable>(_ type: Value.Type) throws {
      for value in [Value.min, .max, 0, 1, .max / 2, .max - 1] {
        let text = try JSON.encode([value])
        #expect(text.description == "[\(value)]")
        #expect(try JSON.decode([Value].self, from: text) == [value])
        #expect(throws: DecodingError.self) { try JSON.decode([Value].self, from: "[\(Value.max)0]".bytes) }
      }
    }
    try check(Int.self)
    try check(Int8.self)
    try check(Int16.self)
    try check(Int32.self)
    try check(Int64.self)
    try check(Int128.self)
    try check(UInt.self)
    try check(UInt8.self)
    try check(UInt16.self)
    try check(UInt32.self)
    try check(UInt64.self)
    try check(UInt128.self)
  }

  @Test func whatIsNoNumberIsRefused() throws {
    for value in [Double.nan, .infinity, -.infinity] {
      #expect(throws: EncodingError.self) { try JSON.encode(value) }
      #expect(throws: EncodingError.self) { try JSON.encode(Float(value)) }
      #expect(throws: EncodingError.self) { try JSON.encode(Date(timeIntervalSinceReferenceDate: value)) }
      let error = #expect(throws: EncodingError.self) { try JSON.encode(["a\"b": [1, value]]) }
      guard case .invalidValue(_, let context)? = error else { return #expect(Bool(false)) }
      #expect(context.codingPath.map(\.stringValue) == ["a\"b", "Index 1"])
    }
    #expect(throws: EncodingError.self) { try JSON.encode([Decimal.nan]) }
  }
}
