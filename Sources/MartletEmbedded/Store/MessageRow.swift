import Foundation
import MartletCore

/// Reads a message from a row whose columns begin with place (or number), suspect, attempts, enqueued, expires, id,
/// content_type, key, trace, headers, body.
enum MessageRow {
  static func message(_ row: Statement, arena: inout ByteArena) -> Message {
    var message = Message(
      body: arena.copy(row.bytes(10)), id: row.text(5),
      contentType: row.isNull(6) ? nil : ContentType(utf8: row.bytes(6)), enqueuedMilliseconds: row.integer(3))
    // Most messages have none of these, and each one that is set costs.
    if !row.isNull(7) { message.key = row.text(7) }
    if !row.isNull(9) { message.headers = FieldCoding.headers(row.bytes(9)) }
    if !row.isNull(8) { message.trace = FieldCoding.trace(row.bytes(8)) }
    if let expires = row.optionalInteger(4) { message.expiresAt = date(expires) }
    return message
  }

  static func attempts(_ row: Statement) -> Int { Int(row.integer(2)) }

  static func date(_ milliseconds: Int64) -> Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
