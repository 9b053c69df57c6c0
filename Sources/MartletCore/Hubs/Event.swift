/// An event as a partition delivers it.
public struct Event: Sendable {
  /// As it was sent.
  public var message: Message
  /// Its place in the partition.
  public var offset: EventOffset
  /// How many events the partition took before it: 0 for the first ever. On RabbitMQ, the offset.
  public var sequenceNumber: Int64

  public init(message: Message, offset: EventOffset, sequenceNumber: Int64) {
    self.message = message
    self.offset = offset
    self.sequenceNumber = sequenceNumber
  }
}
