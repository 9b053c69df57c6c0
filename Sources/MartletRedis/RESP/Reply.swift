import MartletCore

/// A reply of the server as a flat list of nodes, an array before its elements. A reply of a hundred messages costs no
/// allocation of its own, and what is kept of it is not copied again.
///
/// The checks for exclusive access are off because no access to a property lasts while anything else runs, and they
/// would take a tenth of the time.
final class Reply {
  enum Kind: UInt8 { case string, status, error, integer, array, null }

  struct Node {
    let kind: Kind
    /// The number itself, or the count of elements.
    let number: Int
    fileprivate let place: ByteScratch.Place
    var length: Int { place.count }
  }

  /// Valid until something is added to the reply, or it is reset.
  struct Nodes: RandomAccessCollection {
    fileprivate let start: UnsafePointer<Node>
    let count: Int
    var startIndex: Int { 0 }
    var endIndex: Int { count }

    /// Checked in release builds too: a server may answer anything.
    subscript(position: Int) -> Node {
      precondition(position >= 0 && position < count, "the reply has no such node")
      return start[position]
    }
  }

  @exclusivity(unchecked) private var buffer: UnsafeMutablePointer<Node>
  @exclusivity(unchecked) private var capacity = Reply.leastNodes
  @exclusivity(unchecked) private var count = 0
  @exclusivity(unchecked) private var scratch = ByteScratch()
  /// The bytes of the longest string in it.
  @exclusivity(unchecked) private(set) var longest = 0
  private static let (leastNodes, mostNodes) = (1024, 100_000)

  init() { buffer = .allocate(capacity: Self.leastNodes) }

  deinit { buffer.deallocate() }

  var nodes: Nodes { Nodes(start: buffer, count: count) }

  func reset() {
    if capacity > Self.mostNodes { resize(to: Self.leastNodes, keeping: 0) }
    (count, longest) = (0, 0)
    scratch.reset()
  }

  func add(_ kind: Kind, number: Int) { add(Node(kind: kind, number: number, place: ByteScratch.Place())) }

  func add(_ kind: Kind, bytes: UnsafePointer<CChar>, count: Int) {
    let place = scratch.append(UnsafeRawBufferPointer(start: bytes, count: count))
    add(Node(kind: kind, number: 0, place: place))
    longest = max(longest, count)
  }

  private func add(_ node: Node) {
    if count == capacity { resize(to: 2 * capacity, keeping: count) }
    (buffer + count).initialize(to: node)
    count += 1
  }

  private func resize(to capacity: Int, keeping count: Int) {
    let other = UnsafeMutablePointer<Node>.allocate(capacity: capacity)
    other.moveInitialize(from: buffer, count: count)
    buffer.deallocate()
    (buffer, self.capacity) = (other, capacity)
  }

  // MARK: Reading

  /// The bytes of a node; valid until the reply is reset.
  func bytes(_ node: Node) -> UnsafeRawBufferPointer { scratch.bytes(node.place) }

  /// The bytes of a node, to be kept.
  func slice(_ node: Node) -> Bytes { scratch.slice(node.place) }

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
