/// A step of a coding path that comes from the document itself.
struct JSONKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = Int(stringValue)
  }

  init(intValue: Int) {
    stringValue = "\(intValue)"
    self.intValue = intValue
  }

  init(index: Int) {
    stringValue = "Index \(index)"
    intValue = index
  }

  static let `super` = JSONKey(stringValue: "super")
}

extension JSONDocument {
  /// The way from the root to a value, found from the tape when somebody asks for it.
  func path(to node: Int) -> [any CodingKey] {
    var path: [any CodingKey] = []
    var node = node
    while node != Self.root {
      let token = token(node).pointee
      let parent = Int(token.parent)
      if token.keyLength == JSONToken.keyIsExtra {
        path.append(extraKeys[Int(token.key)])
      } else if self.token(parent).pointee.kind == .array {
        path.append(JSONKey(index: Int(token.key)))
      } else {
        path.append(JSONKey(stringValue: (try? name(of: node)) ?? ""))
      }
      node = parent
    }
    path.reverse()
    return path
  }
}
