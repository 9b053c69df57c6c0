/// Arrays, which the codec reads itself: their own `init(from:)` does the same, but grows and asks for every element
/// through a container.
protocol JSONArray {
  static func read(_ document: JSONDocument, at node: Int) throws -> Self
}

extension Array: JSONArray where Element: Decodable {
  static func read(_ document: JSONDocument, at array: Int) throws -> [Element] {
    let count = Int(document.token(array).pointee.length)
    return try Array(unsafeUninitializedCapacity: count) { elements, initialized in
      var node = array + 1
      while initialized < count {
        elements.initializeElement(at: initialized, to: try document.decode(Element.self, at: node))
        initialized += 1
        node = Int(document.token(node).pointee.next)
      }
    }
  }
}

/// Which types are arrays. To ask the runtime takes as long as to read several numbers, so its answers are kept.
struct JSONArrayTypes {
  private var known: [(type: ObjectIdentifier, array: (any JSONArray.Type)?)] = []

  mutating func array(_ type: Any.Type) -> (any JSONArray.Type)? {
    let identifier = ObjectIdentifier(type)
    for entry in known where entry.type == identifier { return entry.array }
    let array = type as? any JSONArray.Type
    if known.count == 16 { known.removeAll() }
    known.append((identifier, array))
    return array
  }
}
