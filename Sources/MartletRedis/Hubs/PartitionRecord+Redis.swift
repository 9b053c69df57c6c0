import Foundation
import MartletCore

extension PartitionPosition {
  /// The fields of a record, each with its value.
  var fields: [String] {
    [
      "checkpoint", checkpoint?.streamID ?? "", "sequence", String(sequenceNumber), "event", eventID ?? "", "enqueued",
      enqueuedAt.map { String(Int(milliseconds: ($0.timeIntervalSince1970 * 1000).rounded())) } ?? "", "finished",
      FinishedOffsets.pack(finished, after: checkpoint),
    ]
  }
}

extension PartitionRecord {
  /// Reads the fields of a record and their values, from the first node of the reply on.
  init(_ partition: Int, _ reply: Reply) {
    var fields: [String: String] = [:]
    for place in stride(from: 1, to: reply.nodes.count - 1, by: 2) {
      fields[reply.text(reply.nodes[place])] = reply.text(reply.nodes[place + 1])
    }
    self.init(
      partition: partition, owner: fields["owner"], epoch: fields["epoch"].flatMap { UInt64($0) } ?? 0,
      lastCommit: fields["commit"].flatMap { UInt64($0) } ?? 0, deaths: fields["deaths"].flatMap { Int($0) } ?? 0)
    if let suspect = fields["suspect"]?.split(separator: " "), suspect.count == 2,
      let offset = EventOffset(String(suspect[0])), let attempt = Int(suspect[1])
    {
      self.suspect = SuspectEvent(offset: offset, attempt: attempt)
    }
    guard let sequence = fields["sequence"].flatMap({ Int64($0) }) else { return }
    let checkpoint = fields["checkpoint"].flatMap { EventOffset($0) }
    position = PartitionPosition(
      checkpoint: checkpoint, sequenceNumber: sequence,
      eventID: fields["event"].flatMap { $0.isEmpty ? nil : $0 },
      enqueuedAt: fields["enqueued"].flatMap { Int64($0) }.map { Date(timeIntervalSince1970: Double($0) / 1000) },
      finished: FinishedOffsets.unpack(fields["finished"] ?? "", after: checkpoint))
  }
}

/// Finished offsets as text: of each, how many milliseconds it is later than the one before, or than the checkpoint, and
/// its count: `0-4 12-0`. Short, because it goes with every commit of a partition with lanes.
enum FinishedOffsets {
  static func pack(_ offsets: [EventOffset], after checkpoint: EventOffset?) -> String {
    var last = checkpoint?.high ?? 0
    var parts: [String] = []
    parts.reserveCapacity(offsets.count)
    for offset in offsets {
      parts.append("\(offset.high &- last)-\(offset.low)")
      last = offset.high
    }
    return parts.joined(separator: " ")
  }

  static func unpack(_ text: String, after checkpoint: EventOffset?) -> [EventOffset] {
    var last = checkpoint?.high ?? 0
    return text.split(separator: " ").compactMap { part in
      guard let step = EventOffset(String(part)) else { return nil }
      last &+= step.high
      return EventOffset(high: last, low: step.low)
    }
  }
}
