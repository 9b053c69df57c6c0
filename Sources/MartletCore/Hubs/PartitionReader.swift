/// A running read of one partition.
public protocol PartitionReader: Sendable {
  /// So many events more may be delivered, beyond those that were granted before.
  func grant(_ count: Int)

  /// Ends the reader. Nothing is delivered when it has returned.
  func close() async
}
