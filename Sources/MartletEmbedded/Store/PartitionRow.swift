import Foundation
import MartletCore

/// A row of the table `hub_partition` while a transaction uses it. `head..<tail` are the numbers of the events that it
/// keeps; no number is missing between.
final class PartitionRow {
  let id: Int64
  let hub: Int64
  let number: Int
  var head: Int64
  var tail: Int64
  /// Of the bodies and headers that are kept.
  var bytes: Int64
  /// When the last event was enqueued, in milliseconds since 1970.
  var enqueued: Int64
  /// To be written at the end of the transaction.
  var isDirty = false
  /// Whether there is something new to read, which other processes must learn.
  var hasNews = false

  init(id: Int64, hub: Int64, number: Int, head: Int64, tail: Int64, bytes: Int64, enqueued: Int64) {
    self.id = id
    self.hub = hub
    self.number = number
    self.head = head
    self.tail = tail
    self.bytes = bytes
    self.enqueued = enqueued
  }

  /// What lag is counted to.
  var end: PartitionTail {
    guard tail > 0 else { return PartitionTail(sequenceNumber: -1) }
    return PartitionTail(
      sequenceNumber: tail - 1, offset: EventOffset(low: UInt64(tail - 1)), enqueuedAt: MessageRow.date(enqueued))
  }

  /// Whether it holds so much more than is asked for that removing it is worth a write of its own.
  func isFarBeyond(_ retention: HubRetention) -> Bool {
    if let most = retention.count, tail - head > Int64(most) + max(100, Int64(most) / 10) { return true }
    if let most = retention.bytes, bytes > Int64(most) + max(1 << 20, Int64(most) / 10) { return true }
    return false
  }

  func place(of number: Int64) -> EventPlace { EventPlace(partition: id, number: number) }
}
