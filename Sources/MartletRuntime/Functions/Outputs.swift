import MartletCore

/// What an invocation sends. Nearly all send one message, which needs no array.
enum Outputs: Sendable, ExpressibleByArrayLiteral {
  case nothing
  case one(OutgoingMessage)
  case many([OutgoingMessage])

  init(arrayLiteral messages: OutgoingMessage...) { self = messages.isEmpty ? .nothing : .many(messages) }

  var count: Int {
    switch self {
    case .nothing: 0
    case .one: 1
    case .many(let messages): messages.count
    }
  }

  /// All of them, in order.
  var messages: [OutgoingMessage] {
    switch self {
    case .nothing: []
    case .one(let message): [message]
    case .many(let messages): messages
    }
  }

  mutating func append(_ message: consuming OutgoingMessage) {
    switch consume self {
    case .nothing: self = .one(message)
    case .one(let first): self = .many([first, message])
    case .many(var messages):
      messages.append(message)
      self = .many(messages)
    }
  }

  /// So many more will be added.
  mutating func reserve(_ more: Int) {
    guard count + more > 1 else { return }
    var messages = take().messages
    messages.reserveCapacity(messages.count + more)
    self = .many(messages)
  }

  /// Hands them over, and is empty.
  mutating func take() -> Outputs {
    var taken = Outputs.nothing
    swap(&self, &taken)
    return taken
  }
}
