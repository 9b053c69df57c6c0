import MartletCore

/// Reads what is kept for a partition of a group, from a row with the columns of `HubStatements.record`.
enum RecordRow {
  static func record(_ row: Statement) -> PartitionRecord {
    PartitionRecord(
      partition: Int(row.integer(0)), owner: row.optionalText(1), epoch: UInt64(bitPattern: row.integer(2)),
      lastCommit: UInt64(bitPattern: row.integer(3)), position: position(row), deaths: Int(row.integer(4)),
      suspect: suspect(row))
  }

  private static func position(_ row: Statement) -> PartitionPosition? {
    guard let sequenceNumber = row.optionalInteger(8) else { return nil }
    return PartitionPosition(
      checkpoint: row.optionalText(7).flatMap { EventOffset($0) }, sequenceNumber: sequenceNumber,
      eventID: row.optionalText(9), enqueuedAt: row.optionalInteger(10).map(MessageRow.date),
      finished: row.isNull(11) ? [] : row.text(11).split(separator: " ").compactMap { EventOffset(String($0)) })
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
