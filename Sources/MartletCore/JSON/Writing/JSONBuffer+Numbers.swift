extension JSONStack where Element == UInt8 {
  mutating func append(signed value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(digits: value.magnitude)
  }

  mutating func append(digits value: UInt64) {
    // The largest has 20 digits.
    let output = reserve(20)
    var index = 20
    var rest = value
    repeat {
      index &-= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      output[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while rest != 0
    let count = 20 &- index
    for position in 0..<count { output[position] = output[index &+ position] }
    grown(by: count)
  }

  /// The shortest text that reads back as the same number; a whole number has no fraction. `value` is finite.
  mutating func append<Value: BinaryFloatingPoint & CustomStringConvertible>(number value: Value) {
    var text = value.description
    text.withUTF8 { utf8 in
      let isWhole =
        utf8.count > 2 && utf8[utf8.count - 1] == UInt8(ascii: "0") && utf8[utf8.count - 2] == UInt8(ascii: ".")
      append(copying: UnsafeBufferPointer(rebasing: utf8[..<(isWhole ? utf8.count - 2 : utf8.count)]))
    }
  }
}
