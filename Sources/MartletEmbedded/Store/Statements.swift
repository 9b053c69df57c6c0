/// The statements that run often, prepared once.
final class Statements {
  private static let columns = "attempts, enqueued, expires, id, content_type, key, trace, headers, body"
  private static let moved = "enqueued, expires, id, content_type, key, trace, headers, body"
  private static let values = "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"

  // Queues
  let queueByID, queueByName, insertQueue, updateQueue, updateQueueWithNews, raiseNews, readNews,
    readUUID, changedQueues: Statement
  // Messages
  let insertMessage, insertDelayed, readMessages, readPlaces, deleteMessage, deleteMessages, countMessages: Statement
  let moveMessage, delayMessage, buryMessage, insertDead, recordSuspect: Statement
  // Time
  let dueMessages, nextDue, moveDue, deleteDue, expiredMessages: Statement
  // Leases
  let instance, insertInstance, renewInstance, deleteInstance, anyOtherInstance, expiredInstances: Statement
  let insertConsumer, deleteConsumer, deleteConsumers, consumers: Statement
  // Claims
  let insertClaim, deleteClaim, deleteClaims, claims, suspects: Statement

  // Ids of messages that came to their end
  let isRemembered, remember, forget, forgetScope: Statement

  // Administration
  let allClaims, countDelayed, countDead, readDead: Statement
  let unnameQueue, deletedQueue, sweepMessages, sweepClaims, sweepDelayed, sweepDead, deleteQueue: Statement

  init(_ database: Database) throws(SQLiteError) {
    let (columns, moved, values) = (Self.columns, Self.moved, Self.values)
    let queue = "SELECT id, name, returned_head, head, returned_tail, tail, gaps FROM queue"
    queueByID = try database.prepare("\(queue) WHERE id = ?1")
    queueByName = try database.prepare("\(queue) WHERE name = ?1")
    insertQueue = try database.prepare("INSERT INTO queue(name) VALUES (?1)")
    let update = "UPDATE queue SET returned_head = ?2, head = ?3, returned_tail = ?4, tail = ?5, gaps = ?6"
    updateQueue = try database.prepare("\(update) WHERE id = ?1")
    updateQueueWithNews = try database.prepare("\(update), news = ?7 WHERE id = ?1")
    raiseNews = try database.prepare("UPDATE store SET news = news + 1 RETURNING news")
    readNews = try database.prepare("SELECT news FROM store")
    readUUID = try database.prepare("SELECT uuid FROM store")
    changedQueues = try database.prepare("SELECT id, name IS NULL FROM queue WHERE news > ?1")

    insertMessage = try database.prepare("INSERT INTO message(place, suspect, \(columns)) VALUES (?1, 0, \(values))")
    insertDelayed = try database.prepare("INSERT INTO delayed(queue, due, \(columns)) VALUES (?1, ?11, \(values))")
    readMessages = try database.prepare(
      "SELECT place, suspect, \(columns) FROM message WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3")
    readPlaces = try database.prepare(
      "SELECT place, suspect, attempts FROM message WHERE place BETWEEN ?1 AND ?2 ORDER BY place")
    deleteMessage = try database.prepare("DELETE FROM message WHERE place = ?1")
    deleteMessages = try database.prepare("DELETE FROM message WHERE place BETWEEN ?1 AND ?2")
    countMessages = try database.prepare("SELECT count(*) FROM message WHERE place BETWEEN ?1 AND ?2")
    moveMessage = try database.prepare(
      "INSERT INTO message(place, suspect, attempts, \(moved)) SELECT ?2, 0, ?3, \(moved) FROM message WHERE place = ?1"
    )
    delayMessage = try database.prepare(
      "INSERT INTO delayed(queue, due, attempts, \(moved)) SELECT ?2, ?4, ?3, \(moved) FROM message WHERE place = ?1")
    buryMessage = try database.prepare(
      "INSERT INTO dead(queue, reason, attempts, \(moved)) SELECT ?2, ?4, ?3, \(moved) FROM message WHERE place = ?1")
    insertDead = try database.prepare(
      "INSERT INTO dead(queue, reason, \(columns)) VALUES (?1, ?11, \(values))")
    recordSuspect = try database.prepare("UPDATE message SET suspect = 1, attempts = ?2 WHERE place = ?1")

    dueMessages = try database.prepare("SELECT number, queue FROM delayed WHERE due <= ?1 ORDER BY due LIMIT ?2")
    nextDue = try database.prepare("SELECT due FROM delayed ORDER BY due LIMIT 1")
    moveDue = try database.prepare(
      "INSERT INTO message(place, suspect, \(columns)) SELECT ?2, 0, \(columns) FROM delayed WHERE number = ?1")
    deleteDue = try database.prepare("DELETE FROM delayed WHERE number = ?1")
    expiredMessages = try database.prepare(
      "SELECT place, attempts, trace FROM message WHERE expires <= ?1 ORDER BY expires LIMIT ?2")

    instance = try database.prepare("SELECT number FROM instance WHERE id = ?1 AND name = ?2")
    insertInstance = try database.prepare(
      "INSERT INTO instance(name, app, pid, boot, deadline, number) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    renewInstance = try database.prepare("UPDATE instance SET deadline = ?2, number = ?3 WHERE id = ?1")
    deleteInstance = try database.prepare("DELETE FROM instance WHERE id = ?1")
    anyOtherInstance = try database.prepare("SELECT 1 FROM instance WHERE id <> ?1 LIMIT 1")
    expiredInstances = try database.prepare(
      "SELECT id, name FROM instance WHERE id <> ?1 AND (boot <> ?2 OR deadline <= ?3)")
    insertConsumer = try database.prepare("INSERT INTO consumer(instance, queue, function) VALUES (?1, ?2, ?3)")
    deleteConsumer = try database.prepare("DELETE FROM consumer WHERE id = ?1")
    deleteConsumers = try database.prepare("DELETE FROM consumer WHERE instance = ?1")
    consumers = try database.prepare("SELECT id FROM consumer WHERE instance = ?1")

    insertClaim = try database.prepare("INSERT INTO claim(consumer, first, last) VALUES (?1, ?2, ?3)")
    deleteClaim = try database.prepare("DELETE FROM claim WHERE consumer = ?1 AND first = ?2")
    deleteClaims = try database.prepare("DELETE FROM claim WHERE consumer = ?1")
    claims = try database.prepare("SELECT first, last FROM claim WHERE consumer = ?1 ORDER BY first")
    suspects = try database.prepare(
      "SELECT first, last FROM claim WHERE consumer = \(Store.nobody) AND first BETWEEN ?1 AND ?2 ORDER BY first LIMIT 1"
    )

    isRemembered = try database.prepare("SELECT 1 FROM remembered WHERE scope = ?1 AND id = ?2 AND until > ?3")
    remember = try database.prepare(
      "INSERT INTO remembered(scope, id, until) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET until = excluded.until")
    forget = try database.prepare(
      """
      DELETE FROM remembered WHERE (scope, id) IN
        (SELECT scope, id FROM remembered WHERE until <= ?1 ORDER BY until LIMIT ?2)
      """)
    forgetScope = try database.prepare("DELETE FROM remembered WHERE scope = ?1")

    allClaims = try database.prepare("SELECT consumer, first, last FROM claim WHERE first BETWEEN ?1 AND ?2")
    countDelayed = try database.prepare("SELECT count(*) FROM delayed WHERE queue = ?1")
    countDead = try database.prepare("SELECT count(*) FROM dead WHERE queue = ?1")
    readDead = try database.prepare(
      "SELECT number, 0, \(columns), reason FROM dead WHERE queue = ?1 ORDER BY number LIMIT ?2")
    unnameQueue = try database.prepare("UPDATE queue SET name = NULL, news = ?2 WHERE id = ?1")
    deletedQueue = try database.prepare(
      """
      SELECT id FROM queue WHERE name IS NULL AND NOT EXISTS (SELECT 1 FROM consumer WHERE queue = queue.id) LIMIT 1
      """)
    let some = "SELECT rowid FROM"
    sweepMessages = try database.prepare(
      "DELETE FROM message WHERE place IN (\(some) message WHERE place BETWEEN ?1 AND ?2 LIMIT ?3)")
    sweepClaims = try database.prepare("DELETE FROM claim WHERE first BETWEEN ?1 AND ?2")
    sweepDelayed = try database.prepare(
      "DELETE FROM delayed WHERE number IN (\(some) delayed WHERE queue = ?1 LIMIT ?3)")
    sweepDead = try database.prepare("DELETE FROM dead WHERE number IN (\(some) dead WHERE queue = ?1 LIMIT ?3)")
    deleteQueue = try database.prepare("DELETE FROM queue WHERE id = ?1")
  }
}
