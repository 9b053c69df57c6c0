/// Reads the structure of a document into a `JSONTape`, in one pass and without recursion.
///
/// Like Foundation it accepts a comma before a closing bracket, and it leaves the inside of strings and numbers to
/// whoever reads them: a malformed number that nobody asks for goes unnoticed.
struct JSONScanner {
  let base: UnsafePointer<UInt8>
  let end: Int
  var position = 0
  var tape: JSONTape

  /// The container that is being filled, and how many values it has so far.
  private var open = 0
  private var count: UInt32 = 0
  private var depth = 0
  private var inObject = false
  /// The name of the member whose value comes next.
  private var key: UInt32 = 0
  private var keyLength: UInt32 = 0

  init(base: UnsafePointer<UInt8>, count: Int, tape: JSONTape) {
    self.base = base
    end = count
    self.tape = tape
  }

  /// Fills the tape. `tape` is valid after an error too.
  mutating func scan() throws(JSONSyntaxError) {
    guard end <= JSONSyntaxError.maxBytes else { throw JSONSyntaxError(reason: .tooLarge, offset: end) }
    var more = true
    while more {
      more = try scanValue()
      while !more, depth > 0 { more = try scanBehindValue() }
      if depth == 0 { break }
    }
    skipSpace()
    if position < end { throw unexpected("after the document") }
  }

  /// Scans one value, of a container only its beginning. True: a value inside it comes next.
  private mutating func scanValue() throws(JSONSyntaxError) -> Bool {
    skipSpace()
    guard position < end else { throw JSONSyntaxError(reason: .ends, offset: end) }
    switch base[position] {
    case UInt8(ascii: "\""):
      let text = try scanString()
      append(.string, start: text.start, length: text.length, flags: text.flags)
    case UInt8(ascii: "{"):
      return try begin(.object)
    case UInt8(ascii: "["):
      return try begin(.array)
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
      let start = position
      skipNumber()
      append(.number, start: start, length: position - start)
    case UInt8(ascii: "t"):
      append(.true, start: position, length: 4)
      try skip("true")
    case UInt8(ascii: "f"):
      append(.false, start: position, length: 5)
      try skip("false")
    case UInt8(ascii: "n"):
      append(.null, start: position, length: 4)
      try skip("null")
    default:
      throw unexpected("where a value begins")
    }
    return false
  }

  /// Scans what is behind a value inside a container. True: another value comes next.
  private mutating func scanBehindValue() throws(JSONSyntaxError) -> Bool {
    let closing = inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
    skipSpace()
    guard position < end else { throw JSONSyntaxError(reason: .ends, offset: end) }
    if base[position] == UInt8(ascii: ",") {
      position += 1
      skipSpace()
      guard position < end else { throw JSONSyntaxError(reason: .ends, offset: end) }
      if base[position] != closing {
        if inObject { try scanKey() }
        return true
      }
    } else if base[position] != closing {
      throw unexpected(inObject ? "in an object" : "in an array")
    }
    position += 1
    finish()
    return false
  }

  private mutating func begin(_ kind: JSONKind) throws(JSONSyntaxError) -> Bool {
    guard depth < JSONSyntaxError.maxDepth else { throw JSONSyntaxError(reason: .tooDeep, offset: position) }
    let token = append(kind, start: position, length: 0)
    position += 1
    // The count of the outer container rests in its token until this one ends.
    if depth > 0 { tape.base[open].length = count }
    depth += 1
    open = token
    count = 0
    inObject = kind == .object
    skipSpace()
    guard position < end else { throw JSONSyntaxError(reason: .ends, offset: end) }
    if base[position] == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
      position += 1
      finish()
      return false
    }
    if inObject { try scanKey() }
    return true
  }

  private mutating func finish() {
    tape.base[open].length = count
    tape.base[open].next = UInt32(truncatingIfNeeded: tape.count)
    open = Int(tape.base[open].parent)
    depth -= 1
    guard depth > 0 else { return }
    count = tape.base[open].length
    inObject = tape.base[open].kind == .object
  }

  private mutating func scanKey() throws(JSONSyntaxError) {
    guard base[position] == UInt8(ascii: "\"") else { throw unexpected("where the name of a member begins") }
    let text = try scanString()
    key = UInt32(truncatingIfNeeded: text.start)
    keyLength = UInt32(truncatingIfNeeded: text.length) | (text.flags.isEmpty ? 0 : JSONToken.keyIsOdd)
    skipSpace()
    guard position < end else { throw JSONSyntaxError(reason: .ends, offset: end) }
    guard base[position] == UInt8(ascii: ":") else { throw unexpected("behind the name of a member") }
    position += 1
  }

  @discardableResult
  private mutating func append(_ kind: JSONKind, start: Int, length: Int, flags: JSONToken.Flags = []) -> Int {
    let index = tape.count
    tape.append(
      JSONToken(
        key: inObject ? key : count, keyLength: inObject ? keyLength : 0, start: UInt32(truncatingIfNeeded: start),
        length: UInt32(truncatingIfNeeded: length), next: UInt32(truncatingIfNeeded: index + 1),
        parent: UInt32(truncatingIfNeeded: open), cursor: UInt32(truncatingIfNeeded: index + 1), kind: kind,
        flags: flags))
    count &+= 1
    return index
  }
}
