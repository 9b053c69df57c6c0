/// How many deliveries of a stream may be on their way to one reader, or held by it: what was granted, bounded in number
/// and in bytes by what the last ones brought.
///
/// On a stream an acknowledgement only asks for more. So a window is made smaller at once, by acknowledging less; a larger
/// one than the subscription's takes another subscription.
struct StreamWindow {
  static let most = 500
  private let bytes: Int
  /// Events whose largest body stands for those that follow.
  private static let sample = 16

  /// What the subscription allows.
  private(set) var credit = 0
  /// The most that was granted at a time.
  private var wanted = 0
  /// The largest body to be expected, and the largest of the sample under way.
  private var expected: Int
  private var largest = 0
  private var sampled = 0
  private var handedOut: UInt64 = 0
  private var acknowledged: UInt64 = 0

  /// - Parameter bytes: what the bodies of a window may be. Default 4 MiB.
  init(bytes: Int = 4 << 20) {
    self.bytes = bytes
    // Of the first events nothing is known: a few tell.
    expected = bytes / Self.sample
  }

  /// How many there should be.
  var size: Int { max(1, min(wanted, Self.most, bytes / max(1, expected))) }

  /// Whether another subscription would be worth its while.
  var mustGrow: Bool { size >= 2 * credit }

  mutating func granted(_ outstanding: Int) { wanted = max(wanted, outstanding) }

  /// A subscription begins. Its tags begin with 1.
  mutating func subscribe() -> UInt16 {
    (credit, handedOut, acknowledged) = (size, 0, 0)
    return UInt16(credit)
  }

  /// An event was handed out.
  mutating func note(bytes: Int) {
    largest = max(largest, bytes)
    sampled += 1
    expected = max(expected, bytes)
    guard sampled == Self.sample else { return }
    (expected, largest, sampled) = (largest, 0, 0)
  }

  /// Which tag to acknowledge, with all before it, when those up to `tag` were handed out; nil for none. A quarter of the
  /// window at a time: each acknowledgement costs the broker a look at its log, and it may send the rest meanwhile.
  mutating func acknowledge(handedOut tag: UInt64) -> UInt64? {
    handedOut = tag
    return acknowledge(atLeast: UInt64(max(1, min(size, credit) / 4)))
  }

  /// Which tag to acknowledge after a while in which less than a quarter came; nil for none.
  mutating func acknowledgeRest() -> UInt64? { acknowledge(atLeast: 1) }

  private mutating func acknowledge(atLeast count: UInt64) -> UInt64? {
    let withheld = UInt64(max(0, credit - size))
    guard handedOut >= acknowledged + withheld + count else { return nil }
    acknowledged = handedOut - withheld
    return acknowledged
  }
}
