/// Which object a keyed container reads. Containers look at it through pointers, since counting references to it for
/// every member would cost more than the member.
final class JSONObjectView {
  let object = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  /// The document, where the container may outlive the `decode` that made it.
  var keptDocument: JSONDocument?

  deinit { object.deallocate() }
}

/// Keyed containers of a document that are used again for other objects with the same keys: to make one takes the
/// runtime three lookups of generic types, as long as to read several members.
struct JSONContainers {
  private struct Known {
    let key: ObjectIdentifier
    let object: UnsafeMutablePointer<Int>
    let view: JSONObjectView
    /// The container, which is nothing but a reference.
    var reference: AnyObject
  }

  /// A recursive type has a container for each level.
  private static let most = 8
  private var known: [Known] = []
  /// The place that the next one takes when all are taken.
  private var next = 0
  /// A `decode` is under way, and holds the document. Containers of a decoder that outlived it hold it themselves.
  private var isOpen = false

  /// Whether a container is one reference, so that it can be told whether anybody else holds it.
  private static let areReferences =
    MemoryLayout<KeyedDecodingContainer<JSONKey>>.size == MemoryLayout<AnyObject>.size

  mutating func container<Key: CodingKey>(
    keyedBy type: Key.Type, of object: Int, in document: JSONDocument
  ) -> KeyedDecodingContainer<Key> {
    guard isOpen else { return make(type, of: object, in: document) }
    let key = ObjectIdentifier(type)
    let found: AnyObject? = known.withUnsafeMutableBufferPointer { known in
      for index in known.indices where known[index].key == key && isKnownUniquelyReferenced(&known[index].reference) {
        known[index].object.pointee = object
        return known[index].reference
      }
      return nil
    }
    if let found { return unsafeBitCast(found, to: KeyedDecodingContainer<Key>.self) }
    return make(type, of: object, in: document)
  }

  @inline(never)
  private mutating func make<Key: CodingKey>(
    _ type: Key.Type, of object: Int, in document: JSONDocument
  ) -> KeyedDecodingContainer<Key> {
    let view = JSONObjectView()
    view.object.initialize(to: object)
    let container = KeyedDecodingContainer(
      JSONMembers<Key>(reference: .passUnretained(document), place: view.object, view: view))
    let isKept =
      isOpen && Self.areReferences
      && keep(
        Known(
          key: ObjectIdentifier(type), object: view.object, view: view,
          reference: unsafeBitCast(container, to: AnyObject.self)))
    if !isKept { view.keptDocument = document }
    return container
  }

  /// False where there is no place: all others are in use.
  private mutating func keep(_ container: Known) -> Bool {
    if known.count < Self.most {
      known.append(container)
      return true
    }
    for _ in known.indices {
      next = (next + 1) % Self.most
      if isKnownUniquelyReferenced(&known[next].reference) {
        known[next] = container
        return true
      }
    }
    return false
  }

  mutating func open() { isOpen = true }

  /// At the end of a `decode`: what its caller has kept keeps the document, and is not used again.
  mutating func close(keeping document: JSONDocument) {
    isOpen = false
    var index = 0
    while index < known.count {
      if isKnownUniquelyReferenced(&known[index].reference) {
        index += 1
      } else {
        known[index].view.keptDocument = document
        known.remove(at: index)
      }
    }
  }
}
