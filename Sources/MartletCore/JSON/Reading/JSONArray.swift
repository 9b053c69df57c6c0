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
