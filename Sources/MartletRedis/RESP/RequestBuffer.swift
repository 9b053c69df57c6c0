import Glibc
import MartletCore

/// Commands on their way to the socket, in the wire format (RESP arrays of bulk strings).
///
/// Written straight from strings and bytes into one growing block: this runs for every field of every message.
struct RequestBuffer: ~Copyable {
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var start = 0
  private var end = 0

  init() {
    capacity = 64 * 1024
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  var isEmpty: Bool { start == end }

  /// Forgets what was not sent: the connection is gone.
  mutating func removeAll() {
    start = 0
    end = 0
    if capacity > 4 << 20 {
      base.deallocate()
      capacity = 64 * 1024
      base = .allocate(capacity: capacity)
    }
  }

  /// What is to be sent next.
  borrowing func withPending<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    body(UnsafeRawBufferPointer(start: base + start, count: end - start))
  }

  mutating func sent(_ count: Int) {
    start += count
    if start == end { removeAll() }
  }

  /// Begins a command of so many arguments, its name included.
  mutating func begin(arguments: Int) {
    reserve(24)
    put(UInt8(ascii: "*"))
    put(decimal: arguments)
    putLineEnd()
  }

  mutating func append(_ argument: StaticString) {
    append(UnsafeRawBufferPointer(start: argument.utf8Start, count: argument.utf8CodeUnitCount))
  }

  mutating func append(_ argument: String) {
    var argument = argument
    argument.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  mutating func append(_ argument: Bytes) { argument.withUnsafeBytes { append($0) } }

  /// Two strings as one argument.
  mutating func append(_ prefix: StaticString, _ rest: String) {
    var rest = rest
    rest.withUTF8 { rest in
      let size = prefix.utf8CodeUnitCount + rest.count
      beginBulk(size)
      put(UnsafeRawBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
      put(UnsafeRawBufferPointer(rest))
      putLineEnd()
    }
  }

  mutating func append(_ argument: Int) {
    reserve(48)
    put(UInt8(ascii: "$"))
    put(decimal: (argument < 0 ? 1 : 0) + Self.digits(of: argument.magnitude))
    putLineEnd()
    if argument < 0 { put(UInt8(ascii: "-")) }
    put(decimal: argument.magnitude)
    putLineEnd()
  }

  /// A stream id. Both halves have 64 bits: a stranger may have chosen any.
  mutating func append(id high: UInt64, _ low: UInt64) {
    reserve(64)
    put(UInt8(ascii: "$"))
    put(decimal: Self.digits(of: UInt(high)) + 1 + Self.digits(of: UInt(low)))
    putLineEnd()
    put(decimal: UInt(high))
    put(UInt8(ascii: "-"))
    put(decimal: UInt(low))
    putLineEnd()
  }

  mutating func append(_ argument: UnsafeRawBufferPointer) {
    beginBulk(argument.count)
    put(argument)
    putLineEnd()
  }

  private mutating func beginBulk(_ size: Int) {
    reserve(size + 32)
    put(UInt8(ascii: "$"))
    put(decimal: size)
    putLineEnd()
  }

  // MARK: Unchecked writes: `reserve` came before

  private mutating func put(_ byte: UInt8) {
    base[end] = byte
    end += 1
  }

  private mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    UnsafeMutableRawPointer(base + end).copyMemory(from: source, byteCount: bytes.count)
    end += bytes.count
  }

  private mutating func putLineEnd() {
    base[end] = 13
    base[end + 1] = 10
    end += 2
  }

  private mutating func put(decimal number: Int) { put(decimal: number.magnitude) }

  private mutating func put(decimal number: UInt) {
    let count = Self.digits(of: number)
    var rest = number
    for position in stride(from: end + count - 1, through: end, by: -1) {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      base[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = quotient
    }
    end += count
  }

  private static func digits(of number: UInt) -> Int {
    var count = 1
    var rest = number
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    return count
  }

  private mutating func reserve(_ count: Int) {
    guard end + count > capacity else { return }
    let pending = end - start
    let needed = pending + count
    if needed > capacity {
      capacity = max(needed, 2 * capacity)
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
      larger.update(from: base + start, count: pending)
      base.deallocate()
      base = larger
    } else {
      memmove(base, base + start, pending)
    }
    start = 0
    end = pending
  }
}
