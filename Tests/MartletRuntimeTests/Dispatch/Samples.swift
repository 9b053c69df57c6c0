import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

extension Delivery {
  /// A delivery that is told by its number: id `m<number>`, receipt `<number>`.
  static func sample(
    _ number: UInt64, attempt: Int = 1, generation: UInt32 = 1, isSuspect: Bool = false, body: String = "x",
    expiresAt: Date? = nil
  ) -> Delivery {
    Delivery(
      message: Message(body: Bytes(body), id: "m\(number)", expiresAt: expiresAt),
      receipt: Receipt(generation: generation, low: number), attempt: attempt, isSuspect: isSuspect)
  }
}

extension DeliveryReference {
  static func sample(_ number: UInt64, generation: UInt32 = 1) -> DeliveryReference {
    DeliveryReference(.sample(number, generation: generation))
  }

  /// The number that the sample was made with.
  var number: UInt64 { receipt.low }
}

extension OutgoingMessage {
  static func sample(_ id: String, to queue: String = "out", connection: String? = nil) -> OutgoingMessage {
    OutgoingMessage(to: .queue(queue, connection: connection), body: Bytes("x"), id: id)
  }
}

extension FunctionPlan {
  /// The plan of a function of one message that does nothing.
  static func sample(_ options: FunctionOptions = FunctionOptions()) -> FunctionPlan {
    FunctionPlan(
      function: Function("bill", on: .queue(QueueName<String>("orders"))) { _, _ in }, options: options,
      instance: "test", logger: Logger(sink: .discard))
  }

  /// The plan of a function of batches that does nothing.
  static func batchSample(_ options: FunctionOptions) -> FunctionPlan {
    FunctionPlan(
      function: Function("bill", on: .queue(QueueName<String>("orders"), maxMessageBatchSize: 10)) { _, _ in },
      options: options, instance: "test", logger: Logger(sink: .discard))
  }
}

extension MonotonicTime {
  static func milliseconds(_ milliseconds: Double) -> MonotonicTime {
    MonotonicTime(nanoseconds: UInt64(milliseconds * 1_000_000))
  }
}

extension Settlement {
  /// Kind and number, for comparisons.
  var text: String {
    switch self {
    case .complete(let receipt): "complete \(receipt.low)"
    case .retry(let delivery, let delay): "retry \(delivery.receipt.low) after \(delay / .milliseconds(1))"
    case .deadLetter(let delivery, let reason): "dead \(delivery.receipt.low) \(reason.code)"
    case .release(let delivery): "release \(delivery.receipt.low)"
    }
  }
}

/// `#require` for calls that mutate what they are called on.
func require<Value>(_ value: Value?, sourceLocation: SourceLocation = #_sourceLocation) throws -> Value {
  try #require(value, sourceLocation: sourceLocation)
}
