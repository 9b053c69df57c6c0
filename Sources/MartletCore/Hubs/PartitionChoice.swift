/// Which partition an event goes to. Publishers in other languages use the same rule, so it never changes:
/// CRC-32 (ISO-HDLC, the one of zlib) of the key's UTF-8 bytes, modulo the partition count.
public struct PartitionChoice: Sendable {
  /// How many partitions the hub has.
  public let partitionCount: Int
  private var next: Int

  /// - Parameters:
  ///   - partitionCount: how many partitions the hub has, at least 1.
  ///   - next: where the round begins for events that name neither partition nor key.
  public init(partitionCount: Int, next: Int = 0) {
    precondition(partitionCount > 0, "a hub has at least one partition")
    self.partitionCount = partitionCount
    self.next = next % partitionCount
  }

  /// The partition of a key.
  public static func partition(of key: String, count: Int) -> Int {
    Int(CRC32.checksum(key.utf8) % UInt32(clamping: count))
  }

  /// The partition of an event: the one it names, that of its key, or the next in turn.
  /// - Throws: `configuration` where it names a partition that the hub does not have.
  public mutating func partition(for event: borrowing OutgoingMessage) throws(BrokerError) -> Int {
    if let partition = event.partition {
      guard (0..<partitionCount).contains(partition) else {
        throw BrokerError(
          .configuration,
          "\(event.address) has the partitions 0 to \(partitionCount - 1); there is no partition \(partition)",
          isRetriable: false)
      }
      return partition
    }
    if let key = event.key { return Self.partition(of: key, count: partitionCount) }
    defer { next = (next + 1) % partitionCount }
    return next
  }
}
