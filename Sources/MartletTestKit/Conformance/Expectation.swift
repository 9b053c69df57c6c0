import Martlet

/// Fails the case with a sentence unless it holds.
func expect(_ isTrue: Bool, _ failure: @autoclosure () -> String) throws {
  if !isTrue { throw ConformanceFailure(failure()) }
}

/// Fails the case unless both are equal.
func expectEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: @autoclosure () -> String) throws {
  if found != expected { throw ConformanceFailure("\(what()) should be \(expected) but is \(found)") }
}

extension OutgoingMessage {
  /// A text message, as most cases send them; the body is the id where none is given.
  static func text(_ id: String, to queue: String, body: String? = nil) -> OutgoingMessage {
    OutgoingMessage(to: .queue(queue), body: Bytes(body ?? id), id: id, contentType: .text)
  }
}

extension Bytes {
  /// Bytes in words that do not repeat, so that a piece that is missing or doubled shows.
  static func unrepeating(_ size: Int) -> Bytes {
    Bytes(capacity: size) { memory in
      var word = UInt64.random(in: 1 ... .max)
      for start in stride(from: 0, to: size & ~7, by: 8) {
        word = word &* 6_364_136_223_846_793_005 &+ 1
        memory.storeBytes(of: word, toByteOffset: start, as: UInt64.self)
      }
      for index in size & ~7..<size { memory[index] = 0xa5 }
      return size
    }
  }
}

extension Sequence<Delivery> {
  var ids: [String] { map(\.message.id) }
}

extension CommitGroup {
  /// An entry per delivery that completes it and sends one message, with the id `out-<input id>`, to each output.
  static func piping(_ deliveries: [Delivery], to outputs: String...) -> CommitGroup {
    var group = CommitGroup()
    for delivery in deliveries {
      group.append(
        settlement: .complete(delivery.receipt),
        outputs: outputs.map { .text("out-\(delivery.message.id)", to: $0) })
    }
    return group
  }
}
