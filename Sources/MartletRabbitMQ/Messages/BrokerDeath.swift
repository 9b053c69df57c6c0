import CRabbitMQ
import Foundation
import MartletCore

/// What RabbitMQ says of a message that it dead-lettered by itself.
struct BrokerDeath: Hashable {
  var reason: String
  var queue: String
  var time: Date?
  var count: Int64

  /// The newest entry of an `x-death` header that was not the delay ladder's.
  init?(history: amqp_field_value_t) {
    guard history.kind == FieldKind.array else { return nil }
    for entry in history.value.array.elements where entry.kind == FieldKind.table {
      self.init(entry.value.table)
      if !queue.isEmpty, !queue.hasPrefix(DelayLadder.prefix) { return }
    }
    return nil
  }

  private init(_ table: amqp_table_t) {
    (reason, queue, time, count) = ("", "", nil, 1)
    for field in table.elements {
      switch (field.key.text, field.value.kind) {
      case ("reason", FieldKind.text): reason = field.value.value.bytes.text
      case ("queue", FieldKind.text): queue = field.value.value.bytes.text
      case ("time", FieldKind.timestamp): time = Date(unixSeconds: field.value.value.u64)
      case ("count", FieldKind.int64): count = field.value.value.i64
      default: break
      }
    }
  }

  /// As the reason of a dead letter.
  func deadLetterReason(attempts: Int) -> DeadLetterReason {
    let code: DeadLetterReason.Code =
      switch reason {
      case "expired": .expired
      case "delivery_limit": .attemptsExhausted
      case "rejected": .rejected
      default: DeadLetterReason.Code(rawValue: reason)
      }
    let text =
      switch reason {
      case "expired": "its time to live ended before anybody received it"
      case "delivery_limit": "it was delivered more often than the queue's x-delivery-limit allows"
      case "rejected": "a consumer rejected it"
      default: "RabbitMQ set it aside: \(reason)"
      }
    return DeadLetterReason(
      code: code, function: nil, errorType: nil, errorText: text, attempts: attempts, source: .queue(queue),
      time: time ?? Date(timeIntervalSince1970: 0))
  }
}
