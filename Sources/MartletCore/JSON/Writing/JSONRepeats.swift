/// Removes the members of a document whose name comes again in the same object: the last one counts.
struct JSONRepeats {
  private let document: JSONDocument
  private var output: JSONBuffer

  /// Only called for documents in which a name may repeat; leaves those alone in which none does.
  static func remove(from text: inout JSONBuffer) throws {
    let document = JSONDocument()
    try document.load(Bytes(copying: UnsafeRawBufferPointer(start: text.base, count: text.count)), userInfo: [:])
    let objects = (0..<document.tape.count).filter { document.token($0).pointee.kind == .object }
    let repeated = try objects.reduce(into: Set<Int>()) { $0.formUnion(try document.earlierMembers(of: $1)) }
    if repeated.isEmpty { return }
    var rest = JSONRepeats(document: document, output: text)
    rest.output.truncate(to: 0)
    rest.copy(JSONDocument.root, without: repeated)
    text = rest.output
  }

  private mutating func copy(_ node: Int, without repeated: Set<Int>) {
    let token = document.token(node).pointee
    guard token.kind == .object || token.kind == .array else {
      let quote = token.kind == .string ? 1 : 0
      return copy(Int(token.start) - quote, Int(token.length) + 2 * quote)
    }
    output.append(token.kind == .object ? UInt8(ascii: "{") : UInt8(ascii: "["))
    var child = node + 1
    var isFirst = true
    while child < Int(token.next) {
      let inside = document.token(child).pointee
      if !repeated.contains(child) {
        if !isFirst { output.append(UInt8(ascii: ",")) }
        isFirst = false
        if token.kind == .object {
          copy(Int(inside.key) - 1, Int(inside.keyLength & JSONToken.keyLengthMask) + 2)
          output.append(UInt8(ascii: ":"))
        }
        copy(child, without: repeated)
      }
      child = Int(inside.next)
    }
    output.append(token.kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]"))
  }

  private mutating func copy(_ start: Int, _ count: Int) {
    output.append(copying: UnsafeBufferPointer(start: document.base + start, count: count))
  }
}

extension JSONDocument {
  /// The members of an object that a later one of the same name replaces.
  fileprivate func earlierMembers(of object: Int) throws -> [Int] {
    var last: [String: Int] = [:]
    var earlier: [Int] = []
    let end = Int(token(object).pointee.next)
    var node = object + 1
    while node < end {
      if let before = last.updateValue(node, forKey: try name(of: node)) { earlier.append(before) }
      node = Int(token(node).pointee.next)
    }
    return earlier
  }
}
