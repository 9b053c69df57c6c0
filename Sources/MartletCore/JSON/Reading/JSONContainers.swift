/// Which object a keyed container reads. Containers look at it through pointers, since counting references to it for
/// every member would cost more than the member.
final class JSONObjectView {
  let object = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  /// The document, where the container may outlive the `decode` that made it.
  var keptDocument: JSONDocument?

  deinit { object.deallocate() }
}

/// A container, and where it lies. Generic over the container itself: what it needs to know of the type to copy it is
/// then found in this object, and not by a lookup for every copy.
private final class JSONKept<Container> {
  let place = UnsafeMutablePointer<Container>.allocate(capacity: 1)

  init(_ container: Container) { place.initialize(to: container) }

  deinit {
    place.deinitialize(count: 1)
    place.deallocate()
  }

  @inline(never)
  func copy() -> Container { place.pointee }
}

/// Keyed containers of a document that are used again for other objects with the same keys: to make one takes the
/// runtime three lookups of generic types, as long as to read several members.
struct JSONContainers {
  private struct Known {
    let key: ObjectIdentifier
    let object: UnsafeMutablePointer<Int>
    let view: JSONObjectView
    /// A `JSONKept` of the container,
    let kept: AnyObject
    /// which is nothing but a reference.
    let reference: UnsafeMutablePointer<AnyObject>

    /// Whether nobody else holds the container.
    var isFree: Bool { isKnownUniquelyReferenced(&reference.pointee) }
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
    let found: AnyObject? = known.withUnsafeBufferPointer { known in
      for index in known.indices where known[index].key == key && known[index].isFree {
        known[index].object.pointee = object
        return known[index].kept
      }
      return nil
    }
    if let found { return unsafeDowncast(found, to: JSONKept<KeyedDecodingContainer<Key>>.self).copy() }
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
    if !(isOpen && Self.areReferences && keep(container, type, view)) { view.keptDocument = document }
    return container
  }

  /// False where there is no place: all others are in use.
  private mutating func keep<Key: CodingKey>(
    _ container: KeyedDecodingContainer<Key>, _ type: Key.Type, _ view: JSONObjectView
  ) -> Bool {
    let kept = JSONKept(container)
    let new = Known(
      key: ObjectIdentifier(type), object: view.object, view: view, kept: kept,
      reference: UnsafeMutableRawPointer(kept.place).assumingMemoryBound(to: AnyObject.self))
    if known.count < Self.most {
      known.append(new)
      return true
    }
    for _ in known.indices {
      next = (next + 1) % Self.most
      if known[next].isFree {
        known[next] = new
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
      if known[index].isFree {
        index += 1
      } else {
        known[index].view.keptDocument = document
        known.remove(at: index)
      }
    }
  }
}
