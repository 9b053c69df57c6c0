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
    do {
      position = try PartitionPosition(fields)
    } catch {
      unreadable = error.description
    }
  }

  /// Says of which key it is what cannot be read.
  func named(_ key: String) -> PartitionRecord {
    var record = self
    record.unreadable = unreadable.map { "\(key): \($0)" }
    return record
  }
}

/// A field of a record that is there and makes no sense.
struct UnreadableField: Error, CustomStringConvertible {
  let description: String

  init(_ name: String, _ value: String?) {
    description = value.map { "the field \(name) is \"\($0.prefix(200))\"" } ?? "the field \(name) is missing"
  }
}

extension PartitionPosition {
  /// nil where no field is there.
  fileprivate init?(_ fields: [String: String]) throws(UnreadableField) {
    func parse<Value>(_ name: String, _ parse: (String) -> Value?) throws(UnreadableField) -> Value? {
      guard let text = fields[name], !text.isEmpty else { return nil }
      guard let value = parse(text) else { throw UnreadableField(name, text) }
      return value
    }
    let checkpoint = try parse("checkpoint") { EventOffset($0) }
    guard let sequence = try parse("sequence", { Int64($0) }) else {
      if fields["sequence"] != nil || checkpoint != nil { throw UnreadableField("sequence", fields["sequence"]) }
      return nil
    }
    if checkpoint == nil, sequence >= 0 { throw UnreadableField("checkpoint", fields["checkpoint"]) }
    self.init(
      checkpoint: checkpoint, sequenceNumber: sequence, eventID: try parse("event") { $0 },
      enqueuedAt: try parse("enqueued") { Int64($0) }.map { Date(timeIntervalSince1970: Double($0) / 1000) },
      finished: try parse("finished") { FinishedOffsets.unpack($0, after: checkpoint) } ?? [])
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

  /// nil where one of them makes no sense.
  static func unpack(_ text: String, after checkpoint: EventOffset?) -> [EventOffset]? {
    var last = checkpoint?.high ?? 0
    var offsets: [EventOffset] = []
    for part in text.split(separator: " ") {
      guard let step = EventOffset(String(part)) else { return nil }
      last &+= step.high
      offsets.append(EventOffset(high: last, low: step.low))
    }
    return offsets
  }
}
