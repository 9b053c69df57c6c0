/// The tables of a store. What is on a disk today is read by every later release: a change needs a new version and a
/// step that brings an old file up to it.
enum Schema {
  /// `MRTL`, in the header of the file: tells a store from any other SQLite database.
  static let applicationID: Int64 = 0x4d52_544c
  /// The version that this release writes. Files of later ones are refused.
  static let version: Int64 = 3

  /// What a message is made of, in every table that holds messages.
  private static let columns = """
    attempts INTEGER NOT NULL, enqueued INTEGER NOT NULL, expires INTEGER, id TEXT NOT NULL, content_type TEXT,
    key TEXT, trace BLOB, headers BLOB, body BLOB NOT NULL
    """

  /// What brings a file of a version to this one; 0 is an empty file.
  static func steps(from version: Int64) -> String {
    """
    \(version < 1 ? queues : "")
    \(version < 2 ? hubs : "")
    \(version < 3 ? remembered : "")
    PRAGMA application_id = \(applicationID);
    PRAGMA user_version = \(Self.version);
    """
  }

  /// Version 1.
  private static let queues = """
    CREATE TABLE store(uuid TEXT NOT NULL, created INTEGER NOT NULL, news INTEGER NOT NULL) STRICT;
    CREATE TABLE queue(
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, head INTEGER NOT NULL DEFAULT 0,
      tail INTEGER NOT NULL DEFAULT 0, returned_head INTEGER NOT NULL DEFAULT 0,
      returned_tail INTEGER NOT NULL DEFAULT 0, gaps INTEGER NOT NULL DEFAULT 0, news INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE INDEX queue_news ON queue(news);
    CREATE TABLE message(place INTEGER PRIMARY KEY, suspect INTEGER NOT NULL, \(columns)) STRICT;
    CREATE INDEX message_expires ON message(expires) WHERE expires IS NOT NULL;
    CREATE TABLE delayed(number INTEGER PRIMARY KEY, queue INTEGER NOT NULL, due INTEGER NOT NULL, \(columns)) STRICT;
    CREATE INDEX delayed_due ON delayed(due);
    CREATE INDEX delayed_queue ON delayed(queue);
    CREATE TABLE dead(
      number INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, reason BLOB NOT NULL, \(columns)) STRICT;
    CREATE INDEX dead_queue ON dead(queue);
    CREATE TABLE instance(
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, app TEXT NOT NULL, pid INTEGER NOT NULL,
      boot TEXT NOT NULL, deadline INTEGER NOT NULL, number INTEGER NOT NULL) STRICT;
    CREATE TABLE consumer(
      id INTEGER PRIMARY KEY AUTOINCREMENT, instance INTEGER NOT NULL, queue INTEGER NOT NULL,
      function TEXT NOT NULL) STRICT;
    CREATE INDEX consumer_instance ON consumer(instance);
    CREATE INDEX consumer_queue ON consumer(queue);
    CREATE TABLE claim(
      consumer INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (consumer, first))
      STRICT, WITHOUT ROWID;
    """

  /// Version 2.
  private static let hubs = """
    CREATE TABLE hub(
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, partitions INTEGER NOT NULL, max_age INTEGER,
      max_bytes INTEGER, max_count INTEGER) STRICT;
    CREATE TABLE hub_partition(
      id INTEGER PRIMARY KEY CHECK (id < \(EventPlace.partitionLimit)), hub INTEGER NOT NULL, number INTEGER NOT NULL,
      head INTEGER NOT NULL DEFAULT 0, tail INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
      enqueued INTEGER NOT NULL DEFAULT 0, news INTEGER NOT NULL DEFAULT 0, UNIQUE (hub, number)) STRICT;
    CREATE INDEX hub_partition_news ON hub_partition(news);
    CREATE TABLE event(
      place INTEGER PRIMARY KEY, enqueued INTEGER NOT NULL, expires INTEGER, id TEXT NOT NULL, content_type TEXT,
      key TEXT, trace BLOB, headers BLOB, body BLOB NOT NULL) STRICT;
    CREATE TABLE consumer_group(
      id INTEGER PRIMARY KEY AUTOINCREMENT, hub TEXT, name TEXT NOT NULL, UNIQUE (hub, name)) STRICT;
    CREATE TABLE group_member(
      consumer_group INTEGER NOT NULL, id TEXT NOT NULL, boot TEXT NOT NULL, heard INTEGER NOT NULL,
      PRIMARY KEY (consumer_group, id)) STRICT, WITHOUT ROWID;
    CREATE TABLE group_partition(
      consumer_group INTEGER NOT NULL, number INTEGER NOT NULL, owner TEXT, epoch INTEGER NOT NULL,
      last_commit INTEGER NOT NULL, deaths INTEGER NOT NULL, suspect TEXT, attempt INTEGER, checkpoint TEXT,
      sequence INTEGER, event_id TEXT, enqueued INTEGER, finished TEXT, PRIMARY KEY (consumer_group, number))
      STRICT, WITHOUT ROWID;
    CREATE TABLE keyed_value(
      consumer_group INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
      PRIMARY KEY (consumer_group, number, key)) STRICT, WITHOUT ROWID;
    """

  /// Version 3.
  private static let remembered = """
    CREATE TABLE remembered(scope TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (scope, id))
      STRICT, WITHOUT ROWID;
    CREATE INDEX remembered_until ON remembered(until);
    """
}
