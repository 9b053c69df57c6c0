import Foundation
import MartletCore

/// Reads a message from a row whose columns begin with place (or number), suspect, attempts, enqueued, expires, id,
/// content_type, key, trace, headers, body.
enum MessageRow {
  static func message(_ row: Statement, arena: inout ByteArena) -> Message {
    var message = Message(
      identifier: .text(row.text(5)), contentType: row.isNull(6) ? nil : ContentType(utf8: row.bytes(6)),
      enqueuedMilliseconds: row.integer(3))
    message.body = arena.copy(row.bytes(10))
    if !row.isNull(7) { message.key = row.text(7) }
    // Most messages have none of these.
    if !row.isNull(9) || !row.isNull(8) || !row.isNull(4) {
      message.attach(
        headers: row.isNull(9) ? Headers() : FieldCoding.headers(row.bytes(9)),
        trace: row.isNull(8) ? nil : FieldCoding.trace(row.bytes(8)),
        expiresAt: row.optionalInteger(4).map(date))
    }
    return message
  }

  static func attempts(_ row: Statement) -> Int { Int(row.integer(2)) }

  static func date(_ milliseconds: Int64) -> Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
