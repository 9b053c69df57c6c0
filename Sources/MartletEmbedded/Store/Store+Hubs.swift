import MartletCore

extension Store {
  /// The hub of that name (in a transaction or snapshot); nil where there is none.
  func hub(named name: String) throws(SQLiteError) -> HubRow? {
    if let hub = hubs[name] { return hub }
    hubStatements.hubByName.bind(name, at: 1)
    let found = try hubStatements.hubByName.first { row in
      HubRow(
        id: row.integer(0), name: name, partitionCount: Int(row.integer(1)),
        retention: HubRetention(
          age: row.optionalInteger(2).map { .milliseconds($0) }, bytes: row.optionalInteger(3).map { Int($0) },
          count: row.optionalInteger(4).map { Int($0) }))
    }
    hubs[name] = found
    return found
  }

  /// Makes a hub with its partitions.
  func insertHub(named name: String, partitionCount: Int, retention: HubRetention = HubRetention())
    throws(SQLiteError) -> HubRow
  {
    hubStatements.insertHub.bind(name, at: 1)
    hubStatements.insertHub.bind(Int64(partitionCount), at: 2)
    try hubStatements.insertHub.run()
    let hub = HubRow(id: database.lastInserted, name: name, partitionCount: partitionCount, retention: retention)
    for number in 0..<partitionCount {
      hubStatements.insertPartition.bind(hub.id, at: 1)
      hubStatements.insertPartition.bind(Int64(number), at: 2)
      try hubStatements.insertPartition.run()
    }
    try set(retention, of: hub)
    return hub
  }

  /// Changes how long events are kept.
  func set(_ retention: HubRetention, of hub: HubRow) throws(SQLiteError) {
    hubStatements.setRetention.bind(hub.id, at: 1)
    hubStatements.setRetention.bind(retention.age.map { Self.milliseconds($0 / .milliseconds(1)) }, at: 2)
    hubStatements.setRetention.bind(retention.bytes.map { Int64($0) }, at: 3)
    hubStatements.setRetention.bind(retention.count.map { Int64($0) }, at: 4)
    try hubStatements.setRetention.run()
    var hub = hub
    hub.retention = retention
    hubs[hub.name] = hub
  }

  /// A partition of a hub; nil where the hub has no such number.
  func partition(_ number: Int, of hub: HubRow) throws(SQLiteError) -> PartitionRow? {
    if let id = partitionIDs[PartitionKey(hub: hub.id, number: number)] { return partitions[id] }
    hubStatements.partitionByNumber.bind(hub.id, at: 1)
    hubStatements.partitionByNumber.bind(Int64(number), at: 2)
    return try keep(hubStatements.partitionByNumber.first(Self.partition))
  }

  /// The partition of a row; nil where it is gone.
  func partition(_ id: Int64) throws(SQLiteError) -> PartitionRow? {
    if let partition = partitions[id] { return partition }
    hubStatements.partitionByID.bind(id, at: 1)
    return try keep(hubStatements.partitionByID.first(Self.partition))
  }

  private func keep(_ partition: PartitionRow?) -> PartitionRow? {
    if let partition {
      partitions[partition.id] = partition
      partitionIDs[PartitionKey(hub: partition.hub, number: partition.number)] = partition.id
    }
    return partition
  }

  private static func partition(_ row: Statement) -> PartitionRow {
    PartitionRow(
      id: row.integer(0), hub: row.integer(1), number: Int(row.integer(2)), head: row.integer(3), tail: row.integer(4),
      bytes: row.integer(5), enqueued: row.integer(6))
  }

  /// Writes a partition back at the end of a transaction.
  func write(_ partition: PartitionRow) throws(SQLiteError) {
    let update = partition.hasNews ? hubStatements.updatePartitionWithNews : hubStatements.updatePartition
    update.bind(partition.id, at: 1)
    update.bind(partition.head, at: 2)
    update.bind(partition.tail, at: 3)
    update.bind(partition.bytes, at: 4)
    update.bind(partition.enqueued, at: 5)
    if partition.hasNews { update.bind(try noteNews(ofPartition: partition.id), at: 6) }
    try update.run()
    partition.isDirty = false
    partition.hasNews = false
  }

  /// The partitions with news after `number` (also outside of a transaction); those of a deleted hub are among them.
  func partitions(changedSince number: Int64) throws(SQLiteError) -> [Int64] {
    hubStatements.changedPartitions.bind(number, at: 1)
    return try hubStatements.changedPartitions.all { $0.integer(0) }
  }

  // MARK: Deleting

  /// Takes the name from a hub: from now on it does not exist, nor do its groups. Events and values are swept bit by bit.
  func delete(hubNamed name: String) throws(SQLiteError) {
    for group in try groupIDs(of: name) {
      try database.execute("DELETE FROM group_partition WHERE consumer_group = \(group)")
      try database.execute("DELETE FROM group_member WHERE consumer_group = \(group)")
    }
    hubStatements.unnameGroups.bind(name, at: 1)
    try hubStatements.unnameGroups.run()
    guard let hub = try hub(named: name) else { return }
    for number in 0..<hub.partitionCount {
      guard let partition = try partition(number, of: hub) else { continue }
      partition.isDirty = true
      partition.hasNews = true
    }
    hubStatements.unnameHub.bind(hub.id, at: 1)
    try hubStatements.unnameHub.run()
    hubs[name] = nil
  }

  /// Whether something that was deleted has not been swept to the end (also outside of a transaction).
  func hasDeletedHub() throws(SQLiteError) -> Bool {
    try hubStatements.anyDeleted.first { $0.integer(0) != 0 } ?? false
  }

  /// Removes some of what deleted hubs and groups held, and their rows with the last of it.
  /// - Returns: whether something is left.
  func sweepHubs(limit: Int) throws(SQLiteError) -> Bool {
    var left = limit
    for partition in try hubStatements.deletedPartitions.all({ $0.integer(0) }) where left > 0 {
      hubStatements.sweepEvents.bind(EventPlace(partition: partition, number: 0).rawValue, at: 1)
      hubStatements.sweepEvents.bind(EventPlace.last(of: partition).rawValue, at: 2)
      hubStatements.sweepEvents.bind(Int64(left), at: 3)
      try hubStatements.sweepEvents.run()
      left -= database.changes
      guard left > 0, partitions[partition] == nil else { continue }
      hubStatements.deletePartition.bind(partition, at: 1)
      try hubStatements.deletePartition.run()
    }
    for group in try hubStatements.deletedGroups.all({ $0.integer(0) }) where left > 0 {
      hubStatements.sweepValues.bind(group, at: 1)
      hubStatements.sweepValues.bind(Int64(left), at: 2)
      try hubStatements.sweepValues.run()
      left -= database.changes
      guard left > 0 else { continue }
      hubStatements.deleteGroup.bind(group, at: 1)
      try hubStatements.deleteGroup.run()
    }
    try hubStatements.deleteHubs.run()
    return try hasDeletedHub()
  }
}
