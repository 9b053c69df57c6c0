/// The statements of event hubs and their groups, prepared once.
final class HubStatements {
  // Hubs
  let hubByName, insertHub, insertPartition, setRetention, unnameHub: Statement
  let partitionByNumber, partitionByID, updatePartition, updatePartitionWithNews, changedPartitions: Statement
  // Events
  let insertEvent, readEvents, readEvent, eventSizes, deleteEvents: Statement
  // Groups
  let group, insertGroup, groups, groupIDs, unnameGroups: Statement
  let records, record, insertRecord, claim, release, writeCommit, writePosition, move: Statement
  let value, writeValue, deleteValue: Statement
  let attend, leave, forgetMembers, members: Statement
  // Sweeping
  let anyDeleted, deletedPartitions, sweepEvents, deletePartition, deleteHubs: Statement
  let deletedGroups, sweepValues, deleteGroup: Statement

  init(_ database: Database) throws(SQLiteError) {
    hubByName = try database.prepare(
      "SELECT id, partitions, max_age, max_bytes, max_count FROM hub WHERE name = ?1")
    insertHub = try database.prepare("INSERT INTO hub(name, partitions) VALUES (?1, ?2)")
    insertPartition = try database.prepare("INSERT INTO hub_partition(hub, number) VALUES (?1, ?2)")
    setRetention = try database.prepare("UPDATE hub SET max_age = ?2, max_bytes = ?3, max_count = ?4 WHERE id = ?1")
    unnameHub = try database.prepare("UPDATE hub SET name = NULL WHERE id = ?1")
    let partition = "SELECT id, hub, number, head, tail, bytes, enqueued FROM hub_partition"
    partitionByNumber = try database.prepare("\(partition) WHERE hub = ?1 AND number = ?2")
    partitionByID = try database.prepare("\(partition) WHERE id = ?1")
    let update = "UPDATE hub_partition SET head = ?2, tail = ?3, bytes = ?4, enqueued = ?5"
    updatePartition = try database.prepare("\(update) WHERE id = ?1")
    updatePartitionWithNews = try database.prepare("\(update), news = ?6 WHERE id = ?1")
    changedPartitions = try database.prepare("SELECT id FROM hub_partition WHERE news > ?1")

    let columns = "enqueued, expires, id, content_type, key, trace, headers, body"
    insertEvent = try database.prepare(
      "INSERT INTO event(place, \(columns)) VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
    readEvents = try database.prepare(
      "SELECT place, 0, 0, \(columns) FROM event WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3")
    readEvent = try database.prepare("SELECT id, enqueued FROM event WHERE place = ?1")
    eventSizes = try database.prepare(
      """
      SELECT place, enqueued, length(body) + ifnull(length(headers), 0) FROM event
      WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3
      """)
    deleteEvents = try database.prepare("DELETE FROM event WHERE place BETWEEN ?1 AND ?2")

    group = try database.prepare("SELECT id FROM consumer_group WHERE hub = ?1 AND name = ?2")
    insertGroup = try database.prepare("INSERT INTO consumer_group(hub, name) VALUES (?1, ?2)")
    groups = try database.prepare(
      """
      SELECT name FROM consumer_group
      WHERE hub = ?1 AND EXISTS (SELECT 1 FROM group_partition WHERE consumer_group = id) ORDER BY name
      """)
    groupIDs = try database.prepare("SELECT id FROM consumer_group WHERE hub = ?1")
    unnameGroups = try database.prepare("UPDATE consumer_group SET hub = NULL WHERE hub = ?1")
    let record = """
      SELECT number, owner, epoch, last_commit, deaths, suspect, attempt, checkpoint, sequence, event_id, enqueued,
        finished
      FROM group_partition WHERE consumer_group = ?1
      """
    records = try database.prepare("\(record) ORDER BY number")
    self.record = try database.prepare("\(record) AND number = ?2")
    insertRecord = try database.prepare(
      """
      INSERT INTO group_partition(consumer_group, number, epoch, last_commit, deaths) VALUES (?1, ?2, 0, 0, 0)
      ON CONFLICT DO NOTHING
      """)
    let one = "WHERE consumer_group = ?1 AND number = ?2"
    claim = try database.prepare(
      "UPDATE group_partition SET owner = ?3, epoch = epoch + 1, last_commit = 0, deaths = deaths + ?4 \(one)")
    release = try database.prepare("UPDATE group_partition SET owner = NULL \(one) AND epoch = ?3")
    writeCommit = try database.prepare(
      "UPDATE group_partition SET last_commit = ?3, deaths = ?4, suspect = ?5, attempt = ?6 \(one)")
    writePosition = try database.prepare(
      """
      UPDATE group_partition SET checkpoint = ?3, sequence = ?4, event_id = ?5, enqueued = ?6, finished = ?7 \(one)
      """)
    move = try database.prepare(
      """
      UPDATE group_partition SET owner = NULL, epoch = epoch + 1, last_commit = 0, suspect = NULL, attempt = NULL \(one)
      """)
    value = try database.prepare("SELECT value FROM keyed_value \(one) AND key = ?3")
    writeValue = try database.prepare(
      """
      INSERT INTO keyed_value(consumer_group, number, key, value) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT DO UPDATE SET value = excluded.value
      """)
    deleteValue = try database.prepare("DELETE FROM keyed_value \(one) AND key = ?3")
    attend = try database.prepare(
      """
      INSERT INTO group_member(consumer_group, id, boot, heard) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT DO UPDATE SET boot = excluded.boot, heard = excluded.heard
      """)
    leave = try database.prepare("DELETE FROM group_member WHERE consumer_group = ?1 AND id = ?2")
    forgetMembers = try database.prepare(
      "DELETE FROM group_member WHERE consumer_group = ?1 AND (boot <> ?2 OR heard < ?3)")
    members = try database.prepare("SELECT id, heard FROM group_member WHERE consumer_group = ?1 ORDER BY id")

    anyDeleted = try database.prepare(
      """
      SELECT EXISTS (SELECT 1 FROM hub WHERE name IS NULL) OR EXISTS (SELECT 1 FROM consumer_group WHERE hub IS NULL)
      """)
    deletedPartitions = try database.prepare(
      "SELECT p.id FROM hub_partition p JOIN hub h ON h.id = p.hub WHERE h.name IS NULL LIMIT 100")
    sweepEvents = try database.prepare(
      "DELETE FROM event WHERE place IN (SELECT place FROM event WHERE place BETWEEN ?1 AND ?2 LIMIT ?3)")
    deletePartition = try database.prepare("DELETE FROM hub_partition WHERE id = ?1")
    deleteHubs = try database.prepare(
      "DELETE FROM hub WHERE name IS NULL AND NOT EXISTS (SELECT 1 FROM hub_partition WHERE hub = hub.id)")
    deletedGroups = try database.prepare("SELECT id FROM consumer_group WHERE hub IS NULL LIMIT 100")
    sweepValues = try database.prepare(
      """
      DELETE FROM keyed_value WHERE consumer_group = ?1 AND (number, key) IN
        (SELECT number, key FROM keyed_value WHERE consumer_group = ?1 LIMIT ?2)
      """)
    deleteGroup = try database.prepare("DELETE FROM consumer_group WHERE id = ?1")
  }
}
