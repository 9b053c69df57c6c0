/// A broker's handle of a delivery: a stream id, a delivery tag, a row. Plain numbers, so that thousands cost nothing.
public struct Receipt: Sendable, Hashable {
  /// The life of the consumer that it belongs to. A consumer that lost its channel or its lease begins a new one, and
  /// receipts of earlier ones settle nothing.
  public let generation: UInt32
  /// Broker's own: which of its streams or channels.
  public let channel: UInt32
  /// Broker's own, as `low`: a stream id's time, a lock's token.
  public let high: UInt64
  /// Broker's own: a delivery tag, a row, a stream id's count.
  public let low: UInt64

  @inlinable
  public init(generation: UInt32, channel: UInt32 = 0, high: UInt64 = 0, low: UInt64) {
    self.generation = generation
    self.channel = channel
    self.high = high
    self.low = low
  }
}
