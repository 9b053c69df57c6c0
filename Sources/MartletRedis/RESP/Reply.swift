import MartletCore

/// A reply of the server as a flat list of nodes, an array before its elements. Bytes lie in one scratch block, so a
/// reply of a hundred messages costs no allocation of its own.
///
/// The checks for exclusive access are off because no access to a property lasts while anything else runs, and they
/// would take a tenth of the time.
final class Reply {
  enum Kind: UInt8 { case string, status, error, integer, array, null }

  struct Node {
    let kind: Kind
    /// The number itself, or the count of elements.
    let number: Int
    let offset: Int
    let length: Int
  }

  @exclusivity(unchecked) private(set) var nodes: [Node] = []
  @exclusivity(unchecked) private var scratch: UnsafeMutablePointer<UInt8>
  @exclusivity(unchecked) private var capacity: Int
  @exclusivity(unchecked) private var used = 0

  init() {
    capacity = 64 * 1024
    scratch = .allocate(capacity: capacity)
    nodes.reserveCapacity(1024)
  }

  deinit { scratch.deallocate() }

  func reset() {
    nodes.removeAll(keepingCapacity: nodes.capacity < 100_000)
    used = 0
    if capacity > 8 << 20 {
      scratch.deallocate()
      capacity = 64 * 1024
      scratch = .allocate(capacity: capacity)
    }
  }

  func add(_ kind: Kind, number: Int) { nodes.append(Node(kind: kind, number: number, offset: 0, length: 0)) }

  func add(_ kind: Kind, bytes: UnsafePointer<CChar>, count: Int) {
    if used + count > capacity {
      capacity = max(used + count, 2 * capacity)
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
      larger.update(from: scratch, count: used)
      scratch.deallocate()
      scratch = larger
    }
    UnsafeMutableRawPointer(scratch + used).copyMemory(from: bytes, byteCount: count)
    nodes.append(Node(kind: kind, number: 0, offset: used, length: count))
    used += count
  }

  // MARK: Reading

  /// The bytes of a node; valid until the reply is reset.
  func bytes(_ node: Node) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: scratch + node.offset, count: node.length)
  }

  func text(_ node: Node) -> String { String(decoding: bytes(node), as: UTF8.self) }

  /// A node as a number: integers, and strings that hold one.
  func integer(_ node: Node) -> Int? {
    switch node.kind {
    case .integer: node.number
    case .string, .status: Int(text(node))
    case .error, .array, .null: nil
    }
  }

  var root: Node? { nodes.first }

  /// The server's error, if the reply is one.
  var error: String? {
    guard let root, root.kind == .error else { return nil }
    return text(root)
  }

  var rootInteger: Int? { root.flatMap { integer($0) } }
  var rootText: String? {
    guard let root, root.kind == .string || root.kind == .status else { return nil }
    return text(root)
  }
}
