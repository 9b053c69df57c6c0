import Foundation
import Martlet
import Testing

/// What was sent, written down only after the broker confirmed it, and what came out at the end of the chain.
struct Ledger: Sendable {
  /// Bodies that the broker has confirmed.
  var confirmed: Set<String> = []
  /// Those that the sender itself may have sent twice, under the same id: their copies are none of the chain.
  var mayBeSentTwice: Set<String> = []
  /// What the last queue holds when all is quiet: the ids of each body's copies.
  var arrived: [String: [String]] = [:]

  /// Enters what was read from the last queue.
  mutating func add(_ messages: [(body: String, id: String)]) {
    for (body, id) in messages { arrived[body, default: []].append(id) }
  }

  /// Confirmed, and not arrived.
  var lost: [String] { confirmed.map { "\($0)123" }.filter { arrived[$0] == nil }.sorted() }
  /// Arrived, and never sent.
  var unaccounted: [String] {
    arrived.keys.filter { !$0.hasSuffix("123") || !confirmed.contains(String($0.dropLast(3))) }
  }
  /// Copies beyond the first, that the chain has made.
  var duplicates: Int {
    arrived.reduce(0) { $0 + (mayBeSentTwice.contains(String($1.key.dropLast(3))) ? 0 : $1.value.count - 1) }
  }
  /// Bodies whose copies differ in their id: a receiver could not tell that they are one.
  var foreignCopies: [String] { arrived.filter { Set($0.value).count > 1 }.keys.sorted() }
}
