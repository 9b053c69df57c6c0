/// What a commit group asks its broker to remember, in the commit itself: the ids of messages that came to their end.
///
/// An entry is refused with `repeated`, and nothing of it applied, where an id of it is remembered already. So of two
/// messages with one id, wherever they run, one has its effects.
public struct Deduplication: Sendable, Hashable {
  /// For how long, by the time of whoever remembers.
  public let window: Duration
  /// One for each settlement of the group; empty where nothing is remembered: of a message that comes back, and of a
  /// repeat.
  public private(set) var ids: [String] = []

  /// Whether there is nothing to remember.
  public var isEmpty: Bool { ids.allSatisfy(\.isEmpty) }

  init(window: Duration) { self.window = window }

  /// Appends ids, and nothing up to `count`.
  mutating func append(_ new: [String], count: Int) {
    ids += new
    while ids.count < count { ids.append("") }
  }
}
