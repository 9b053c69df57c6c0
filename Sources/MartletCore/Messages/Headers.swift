/// One header of a message.
public struct Header: Sendable, Hashable {
  /// Compared exactly, with its case.
  public var name: String
  /// Text on every broker; RabbitMQ carries the other types too.
  public var value: HeaderValue

  public init(_ name: String, _ value: HeaderValue) {
    self.name = name
    self.value = value
  }
}

/// The headers of a message, in the order in which they came. Names are compared exactly.
public struct Headers: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  var entries: [Header]

  public init() { entries = [] }
  public init(_ entries: [Header]) { self.entries = entries }
  public init(dictionaryLiteral elements: (String, HeaderValue)...) {
    entries = elements.map { Header($0.0, $0.1) }
  }

  /// The first header of that name. Setting replaces it, nil removes it.
  public subscript(name: String) -> HeaderValue? {
    get { entries.first { $0.name == name }?.value }
    set {
      guard let newValue else { return entries.removeAll { $0.name == name } }
      if let index = entries.firstIndex(where: { $0.name == name }) {
        entries[index].value = newValue
      } else {
        entries.append(Header(name, newValue))
      }
    }
  }

  /// Adds a header behind the others, without a look at those that are there.
  public mutating func append(_ header: Header) { entries.append(header) }
}

extension Headers: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { entries.count }
  public subscript(position: Int) -> Header { entries[position] }
}
