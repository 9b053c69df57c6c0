/// A row of the table `queue` while a transaction uses it.
///
/// `head..<tail` of a lane is what nobody has been handed; numbers below `head` that still have a message are in the
/// claim of a consumer. Numbers are never used twice while a claim may cover them: that is what makes a claim a plain
/// range.
final class QueueRow {
  let id: Int64
  /// Nil once the queue was deleted; what it held is swept bit by bit.
  let name: String?
  /// By `Place.Lane`.
  var heads: [Int64]
  var tails: [Int64]
  /// Numbers between head and tail without a message: expired ones, taken out of the middle.
  var gaps: Int64
  /// To be written at the end of the transaction.
  var isDirty = false
  /// Whether there is something new to receive, which other processes must learn.
  var hasNews = false

  init(id: Int64, name: String?, heads: [Int64] = [0, 0], tails: [Int64] = [0, 0], gaps: Int64 = 0) {
    self.id = id
    self.name = name
    self.heads = heads
    self.tails = tails
    self.gaps = gaps
  }

  /// Whether a consumer could be handed something, suspects aside.
  var hasReady: Bool { heads != tails }

  /// How many messages can be received, suspects aside.
  var ready: Int64 { tails[0] - heads[0] + tails[1] - heads[1] - gaps }

  /// Takes the next number of a lane.
  func append(to lane: Place.Lane) -> Place {
    defer {
      tails[lane.rawValue] += 1
      isDirty = true
      hasNews = true
    }
    return Place(queue: id, lane: lane, number: tails[lane.rawValue])
  }

  /// Whether nobody has been handed this place.
  func isReady(_ place: Place) -> Bool { place.number >= heads[place.lane.rawValue] }
}
