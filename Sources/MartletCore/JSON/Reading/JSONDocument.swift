/// A scanned document: the bytes, the tape, and what decoders of it share.
///
/// A document belongs to one `decode` at a time and is used by one thread; afterwards it is scanned into again,
/// unless a decoder of it was kept. The checks for exclusive access are off because no access to a property lasts while
/// anything else runs, and they would take a tenth of the time.
final class JSONDocument {
  @exclusivity(unchecked) private(set) var bytes = Bytes()
  /// The text of `bytes`, behind a byte order mark. Valid as long as `bytes` is held: its memory never moves.
  @exclusivity(unchecked) private(set) var base: UnsafePointer<UInt8>
  @exclusivity(unchecked) private(set) var count = 0
  @exclusivity(unchecked) private(set) var tape = JSONTape(capacity: 64)
  @exclusivity(unchecked) private(set) var userInfo: [CodingUserInfoKey: any Sendable] = [:]
  /// The keys of decoders for members that are missing.
  @exclusivity(unchecked) private(set) var extraKeys: [any CodingKey] = []
  /// How to find the members of large objects, by token.
  @exclusivity(unchecked) var indexes: [Int: JSONMemberIndex] = [:]
  @exclusivity(unchecked) var containers = JSONContainers()
  /// The arrays among the types that were asked for.
  @exclusivity(unchecked) var arrays = JSONArrayTypes()

  /// Where `base` points without bytes.
  private let nothing = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
  static let root = 0

  init() { base = UnsafePointer(nothing) }

  deinit {
    tape.deallocate()
    nothing.deallocate()
  }

  /// Scans `body`.
  func load(_ body: Bytes, userInfo: [CodingUserInfoKey: any Sendable]) throws {
    if !userInfo.isEmpty { self.userInfo = userInfo }
    guard !body.isEmpty else { throw syntaxError(JSONSyntaxError(reason: .empty, offset: 0)) }
    bytes = try JSONTextEncoding.utf8(of: body)
    guard let storage = bytes.storage else { throw syntaxError(JSONSyntaxError(reason: .ends, offset: 0)) }
    base = UnsafePointer((storage.base + bytes.offset).assumingMemoryBound(to: UInt8.self))
    count = bytes.count
    var scanner = JSONScanner(base: base, count: count, tape: tape)
    do throws(JSONSyntaxError) {
      try scanner.scan()
      tape = scanner.tape
    } catch {
      tape = scanner.tape
      throw syntaxError(error)
    }
  }

  /// Lets go of everything but a tape of ordinary size. False: not worth keeping.
  func reset() -> Bool {
    bytes = Bytes()
    base = UnsafePointer(nothing)
    count = 0
    tape.truncate(to: 0)
    if !userInfo.isEmpty { userInfo = [:] }
    if !extraKeys.isEmpty { extraKeys = [] }
    if !indexes.isEmpty { indexes = [:] }
    return tape.capacity <= 1 << 14
  }

  @inline(__always)
  func token(_ node: Int) -> UnsafeMutablePointer<JSONToken> { tape.base + node }

  /// A value that is not in the text: the null that a `superDecoder` for a missing member decodes.
  func appendNull(in object: Int, key: any CodingKey) -> Int {
    let node = tape.count
    tape.append(
      JSONToken(
        key: UInt32(truncatingIfNeeded: extraKeys.count), keyLength: JSONToken.keyIsExtra, start: 0, length: 0,
        next: UInt32(truncatingIfNeeded: node + 1), parent: UInt32(truncatingIfNeeded: object), cursor: 0, kind: .null,
        flags: []))
    extraKeys.append(key)
    return node
  }

  var text: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  func syntaxError(_ error: JSONSyntaxError) -> DecodingError {
    .dataCorrupted(DecodingError.Context(codingPath: [], debugDescription: error.text(in: text)))
  }
}
