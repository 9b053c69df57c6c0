/// The place of an event in its partition: a row, the offset in a RabbitMQ stream, the id in a Redis stream. Offsets of
/// one partition grow; they need not be dense.
public struct EventOffset: Sendable, Hashable, Comparable, LosslessStringConvertible {
  /// Of a Redis stream id, the milliseconds; otherwise 0.
  public let high: UInt64
  /// Of a Redis stream id, the count; otherwise the offset.
  public let low: UInt64

  public init(high: UInt64 = 0, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads `description`.
  public init?(_ description: String) {
    let parts = description.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts.count, UInt64(parts[0]), parts.last.flatMap { UInt64($0) }) {
    case (1, let low?, _): self.init(low: low)
    case (2, let high?, let low?): self.init(high: high, low: low)
    default: return nil
    }
  }

  /// `42`, or as Redis writes it `1700000000000-3`.
  public var description: String { high == 0 ? "\(low)" : "\(high)-\(low)" }

  public static func < (left: EventOffset, right: EventOffset) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}
