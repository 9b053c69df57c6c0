/// Where a message stands: its key in the table `message`. Queue, lane and number in one integer, so that the messages of
/// a queue lie beside each other on the disk, in the order in which they are read.
struct Place: Hashable, Comparable {
  let rawValue: Int64

  init(rawValue: Int64) { self.rawValue = rawValue }

  init(queue: Int64, lane: Lane, number: Int64) {
    rawValue = queue << Self.queueShift | (lane == .main ? 1 << Self.numberBits : 0) | number
  }

  /// The two rows in which the messages of a queue wait.
  enum Lane: Int, CaseIterable {
    /// Were handed out, did not start and came back: first to be read again.
    case returned
    case main
  }

  /// A lane has 2⁴⁰ numbers; a queue that becomes empty behind the half of them begins again.
  static let numberBits: Int64 = 40
  private static let queueShift: Int64 = 41

  var queue: Int64 { rawValue >> Self.queueShift }
  var lane: Lane { rawValue & (1 << Self.numberBits) == 0 ? .returned : .main }
  var number: Int64 { rawValue & ((1 << Self.numberBits) - 1) }

  /// All places of a queue.
  static func range(of queue: Int64) -> ClosedRange<Place> {
    Place(rawValue: queue << queueShift)...Place(rawValue: (queue + 1) << queueShift - 1)
  }

  static func < (left: Place, right: Place) -> Bool { left.rawValue < right.rawValue }
}
