import CSQLite
import MartletCore

/// What SQLite answered instead of OK.
struct SQLiteError: Error, Sendable, CustomStringConvertible {
  /// The extended result code.
  let code: Int32
  let message: String

  var primary: Int32 { code & 0xff }

  /// Whether the same work may pass later: the disk, the memory or a lock is the trouble, not the work itself.
  var isOfTheSystem: Bool {
    switch primary {
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_READONLY,
      SQLITE_PROTOCOL, SQLITE_INTERRUPT, SQLITE_CORRUPT, SQLITE_NOTADB:
      true
    default: false
    }
  }

  var description: String { "\(message) (SQLite \(code))" }

  /// The error as users see it, with the way out.
  func brokerError(at place: String) -> BrokerError {
    switch primary {
    case SQLITE_FULL:
      BrokerError(
        .exhausted, "the disk of \(place) is full; free some space, nothing was lost", isRetriable: true,
        underlying: self)
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_AUTH:
      BrokerError(
        .permission,
        "\(place) cannot be written: \(message); give this user the right to write the file and its folder",
        isRetriable: true, underlying: self)
    case SQLITE_CORRUPT, SQLITE_NOTADB:
      BrokerError(
        .conflict, "\(place) is damaged: \(message); stop all processes and restore it from a backup",
        isRetriable: true, underlying: self)
    case SQLITE_TOOBIG:
      BrokerError(.tooLarge, "a message is larger than SQLite can hold", isRetriable: false, underlying: self)
    default:
      BrokerError(.unavailable, "\(place): \(self)", isRetriable: isOfTheSystem, underlying: self)
    }
  }
}
