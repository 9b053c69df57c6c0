import Foundation
import MartletCore

extension Store {
  /// The key of a group (also outside of a transaction); nil where nobody knows it.
  func group(_ group: ConsumerGroup) throws(SQLiteError) -> Int64? {
    hubStatements.group.bind(group.hub, at: 1)
    hubStatements.group.bind(group.name, at: 2)
    return try hubStatements.group.first { $0.integer(0) }
  }

  private func groupCreating(_ group: ConsumerGroup) throws(SQLiteError) -> Int64 {
    if let id = try self.group(group) { return id }
    hubStatements.insertGroup.bind(group.hub, at: 1)
    hubStatements.insertGroup.bind(group.name, at: 2)
    try hubStatements.insertGroup.run()
    return database.lastInserted
  }

  /// The groups of a hub that have a record.
  func groups(of hub: String) throws(SQLiteError) -> [String] {
    hubStatements.groups.bind(hub, at: 1)
    return try hubStatements.groups.all { $0.text(0) }
  }

  /// The keys of all groups of a hub.
  func groupIDs(of hub: String) throws(SQLiteError) -> [Int64] {
    hubStatements.groupIDs.bind(hub, at: 1)
    return try hubStatements.groupIDs.all { $0.integer(0) }
  }

  // MARK: Members

  /// A member is alive; answers who else was heard of, and forgets who has been silent for long.
  /// - Parameters:
  ///   - now: nanoseconds since this start of the machine.
  ///   - silence: longer ones are forgotten; in nanoseconds.
  func attend(_ group: ConsumerGroup, as member: String, bootID: String, now: Int64, forgetting silence: Int64)
    throws(SQLiteError) -> [GroupMember]
  {
    let id = try groupCreating(group)
    hubStatements.attend.bind(id, at: 1)
    hubStatements.attend.bind(member, at: 2)
    hubStatements.attend.bind(bootID, at: 3)
    hubStatements.attend.bind(now, at: 4)
    try hubStatements.attend.run()
    hubStatements.forgetMembers.bind(id, at: 1)
    hubStatements.forgetMembers.bind(bootID, at: 2)
    hubStatements.forgetMembers.bind(now - silence, at: 3)
    try hubStatements.forgetMembers.run()
    hubStatements.members.bind(id, at: 1)
    return try hubStatements.members.all { row in
      GroupMember(id: row.text(0), silence: .nanoseconds(max(now - row.integer(1), 0)))
    }
  }

  /// A member has gone.
  func leave(_ group: ConsumerGroup, as member: String) throws(SQLiteError) {
    guard let id = try self.group(group) else { return }
    hubStatements.leave.bind(id, at: 1)
    hubStatements.leave.bind(member, at: 2)
    try hubStatements.leave.run()
  }

  // MARK: Partitions

  /// What is kept for each partition of a group.
  func records(of group: ConsumerGroup, count: Int) throws(SQLiteError) -> [PartitionRecord] {
    var records = (0..<max(count, 0)).map { PartitionRecord(partition: $0) }
    guard let id = try self.group(group) else { return records }
    hubStatements.records.bind(id, at: 1)
    for record in try hubStatements.records.all(RecordRow.record) where records.indices.contains(record.partition) {
      records[record.partition] = record
    }
    return records
  }

  /// What is kept for one partition of a group.
  func record(of partition: GroupPartition, in group: Int64) throws(SQLiteError) -> PartitionRecord? {
    bind(partition, in: group, to: hubStatements.record)
    return try hubStatements.record.first(RecordRow.record)
  }

  /// Gives a partition to a member, if the epoch is what it expects.
  func claim(_ partition: GroupPartition, as member: String, expecting epoch: UInt64, afterDeath: Bool)
    throws(SQLiteError) -> PartitionRecord?
  {
    let group = try groupCreating(partition.group)
    guard try record(of: partition, in: group)?.epoch ?? 0 == epoch else { return nil }
    bind(partition, in: group, to: hubStatements.insertRecord)
    try hubStatements.insertRecord.run()
    bind(partition, in: group, to: hubStatements.claim)
    hubStatements.claim.bind(member, at: 3)
    hubStatements.claim.bind(afterDeath ? 1 : 0, at: 4)
    try hubStatements.claim.run()
    return try record(of: partition, in: group)
  }

  /// Gives a partition up, if the epoch is its own.
  func release(_ partition: GroupPartition, epoch: UInt64) throws(SQLiteError) {
    guard let group = try group(partition.group) else { return }
    bind(partition, in: group, to: hubStatements.release)
    hubStatements.release.bind(Int64(bitPattern: epoch), at: 3)
    try hubStatements.release.run()
  }

  /// Puts a group elsewhere and frees the partition.
  func move(_ partition: GroupPartition, to position: PartitionPosition) throws(SQLiteError) {
    let group = try groupCreating(partition.group)
    bind(partition, in: group, to: hubStatements.insertRecord)
    try hubStatements.insertRecord.run()
    bind(partition, in: group, to: hubStatements.move)
    try hubStatements.move.run()
    try write(position, of: partition, in: group)
  }

  // MARK: Commits

  /// Writes what an owner's commit says, but for its outputs.
  func write(_ commit: PartitionCommit, in group: Int64) throws(SQLiteError) {
    bind(commit.partition, in: group, to: hubStatements.writeCommit)
    hubStatements.writeCommit.bind(Int64(bitPattern: commit.number), at: 3)
    hubStatements.writeCommit.bind(Int64(commit.deaths), at: 4)
    hubStatements.writeCommit.bind(commit.suspect?.offset.description, at: 5)
    hubStatements.writeCommit.bind(commit.suspect.map { Int64($0.attempt) }, at: 6)
    try hubStatements.writeCommit.run()
    if let position = commit.position { try write(position, of: commit.partition, in: group) }
    for (key, value) in commit.values { try write(value, of: key, in: commit.partition, group) }
  }

  private func write(_ position: PartitionPosition, of partition: GroupPartition, in group: Int64)
    throws(SQLiteError)
  {
    let write = hubStatements.writePosition
    bind(partition, in: group, to: write)
    write.bind(position.checkpoint?.description, at: 3)
    write.bind(position.sequenceNumber, at: 4)
    write.bind(position.eventID, at: 5)
    write.bind(position.enqueuedAt.map(Self.milliseconds), at: 6)
    write.bind(RecordRow.text(of: position.finished), at: 7)
    try write.run()
  }

  private func write(_ value: Bytes?, of key: String, in partition: GroupPartition, _ group: Int64)
    throws(SQLiteError)
  {
    let write = value == nil ? hubStatements.deleteValue : hubStatements.writeValue
    bind(partition, in: group, to: write)
    write.bind(key, at: 3)
    guard let value else { return try write.run() }
    try value.withUnsafeBytes { bytes throws(SQLiteError) in
      write.lend(bytes, at: 4)
      try write.run()
    }
  }

  /// What a group keeps for keys of a partition.
  func values(of keys: [String], in partition: GroupPartition) throws(SQLiteError) -> [String: Bytes] {
    guard let group = try group(partition.group) else { return [:] }
    var values: [String: Bytes] = [:]
    bind(partition, in: group, to: hubStatements.value)
    for key in keys {
      hubStatements.value.bind(key, at: 3)
      if let value = try hubStatements.value.first({ Bytes(copying: $0.bytes(0)) }) { values[key] = value }
    }
    return values
  }

  private func bind(_ partition: GroupPartition, in group: Int64, to statement: Statement) {
    statement.bind(group, at: 1)
    statement.bind(Int64(partition.number), at: 2)
  }
}
