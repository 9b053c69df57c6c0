/// How long the events of each partition are kept. Every limit that is given holds; none keeps everything.
///
/// Limits are upper bounds for what must be kept: brokers remove in pieces, somewhat later. On Redis and the embedded
/// broker those who publish and the owners of partitions remove, about every 30 s; on RabbitMQ the broker itself.
public struct HubRetention: Sendable, Hashable {
  /// Older events may go.
  public var age: Duration?
  /// The oldest may go while the bodies and headers of a partition are larger. The newest event stays, however large it is.
  public var bytes: Int?
  /// The oldest may go while a partition holds more. Not on RabbitMQ, whose streams know no such limit.
  public var count: Int?

  public init(age: Duration? = nil, bytes: Int? = nil, count: Int? = nil) {
    self.age = age
    self.bytes = bytes
    self.count = count
  }
}
