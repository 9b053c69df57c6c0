import MartletCore

/// Reads what is kept for a partition of a group, from a row with the columns of `HubStatements.record`.
enum RecordRow {
  static func record(_ row: Statement) -> PartitionRecord {
    var record = PartitionRecord(
      partition: Int(row.integer(0)), owner: row.optionalText(1), epoch: UInt64(bitPattern: row.integer(2)),
      lastCommit: UInt64(bitPattern: row.integer(3)), deaths: Int(row.integer(4)), suspect: suspect(row))
    do {
      record.position = try position(row)
    } catch {
      record.unreadable = "the table group_partition, number \(record.partition): \(error.description)"
    }
    return record
  }

  /// A column that is set and makes no sense.
  private struct Unreadable: Error {
    let description: String
    init(_ name: String, _ text: String?) {
      description = text.map { "\(name) is \"\($0.prefix(200))\"" } ?? "\(name) is missing"
    }
  }

  private static func position(_ row: Statement) throws(Unreadable) -> PartitionPosition? {
    let checkpoint = try row.optionalText(7).map { text throws(Unreadable) in
      guard let offset = EventOffset(text) else { throw Unreadable("checkpoint", text) }
      return offset
    }
    guard let sequenceNumber = row.optionalInteger(8) else {
      if checkpoint != nil { throw Unreadable("sequence", nil) }
      return nil
    }
    if checkpoint == nil, sequenceNumber >= 0 { throw Unreadable("checkpoint", nil) }
    var finished: [EventOffset] = []
    for part in row.isNull(11) ? [] : row.text(11).split(separator: " ") {
      guard let offset = EventOffset(String(part)) else { throw Unreadable("finished", row.text(11)) }
      finished.append(offset)
    }
    return PartitionPosition(
      checkpoint: checkpoint, sequenceNumber: sequenceNumber, eventID: row.optionalText(9),
      enqueuedAt: row.optionalInteger(10).map(MessageRow.date), finished: finished)
  }

  private static func suspect(_ row: Statement) -> SuspectEvent? {
    guard let offset = row.optionalText(5).flatMap({ EventOffset($0) }) else { return nil }
    return SuspectEvent(offset: offset, attempt: Int(row.integer(6)))
  }

  /// Offsets, with a space between; nil for none.
  static func text(of offsets: [EventOffset]) -> String? {
    offsets.isEmpty ? nil : offsets.lazy.map(\.description).joined(separator: " ")
  }
}
