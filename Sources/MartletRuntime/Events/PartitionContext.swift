public import MartletCore

public import struct Foundation.Date

/// Where the events of an invocation come from: `context.partition`.
public struct PartitionContext: Sendable, Hashable {
  /// The hub's name on the broker.
  public let hub: String
  /// The consumer group.
  public let group: String
  /// The partition, from 0.
  public let number: Int
  /// The owner's: it grows with every new owner of the partition.
  public let epoch: UInt64
  /// The sequence number of the last event that was enqueued, as far as is known; -1 where there is none. Redis tells it
  /// with each read and the embedded broker with each event. RabbitMQ is asked when the partition is opened and every
  /// 30 s; between, only what was fetched is known of.
  public let lastEnqueuedSequenceNumber: Int64
  /// The place of that event; nil where there is none.
  public let lastEnqueuedOffset: EventOffset?
  /// When that was; nil where nobody knows.
  public let lastEnqueuedAt: Date?
  /// How many events are behind the last one of the invocation: `lastEnqueuedSequenceNumber` less the last one's own. On
  /// RabbitMQ it may be too low by what came in the last 30 s, and too high by the holes in its offsets.
  public let lag: Int64
}
