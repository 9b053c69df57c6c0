import Foundation
import MartletCore
import MartletRuntime
import Testing

// The shapes that a user writes. That this file compiles, without @testable, is most of the test.

private struct Order: Codable, Equatable {
  var id: Int
  var lines: [String] = []
}
private struct Invoice: Codable, Equatable { var total: Decimal }
private struct Alert: Codable, Equatable { var text: String }

extension QueueName<Order> {
  fileprivate static let orders: Self = "orders"
  fileprivate static let archive = Self("orders-archive", connection: "archive")
}
extension QueueName<Invoice> { fileprivate static let invoices: Self = "invoices" }
extension QueueName<Alert> { fileprivate static let alerts: Self = "alerts" }
extension QueueName<String> { fileprivate static let lines: Self = "lines" }
extension QueueName<Bytes> { fileprivate static let raw: Self = "raw" }
extension QueueName<Data> { fileprivate static let data: Self = "data" }
extension QueueName<[UInt8]> { fileprivate static let octets: Self = "octets" }
extension QueueName<Decimal> {
  /// A codec of one's own.
  fileprivate static let amounts = Self(
    "amounts",
    codec: PayloadCodec(
      contentType: ContentType("text/x-decimal"),
      decode: { try Decimal($0.string ?? "", format: .number) }, encode: { Bytes($0.description) }))
}

/// A dependency.
private actor Ledger {
  func invoice(_ order: Order) async throws -> Invoice { Invoice(total: Decimal(order.lines.count)) }
}

/// A group: its stored properties are the dependencies.
private struct Billing {
  let ledger: Ledger

  var functions: [Function] {
    [
      Function("bill-reference", on: .queue(.orders), to: .queue(.invoices), run: bill),
      Function("archive", on: .queue(.archive)) { order, context in
        context.logger.information("\(order.body.id)")
      },
    ]
  }

  @Sendable
  func bill(_ order: Incoming<Order>, _ context: FunctionContext) async throws -> Invoice {
    try await ledger.invoice(order.body)
  }
}

private struct NotYet: Error {}

struct FunctionShapesTests {
  private static func app(isVerbose: Bool) -> FunctionApp {
    let ledger = Ledger()
    return FunctionApp("shapes") {
      Function("value", on: .queue(.orders), to: .queue(.invoices)) { order, context in
        try await ledger.invoice(order.body)
      }
      Function("optional", on: .queue(.orders), to: .queue(.invoices)) { order, context in
        order.body.lines.isEmpty ? nil : Invoice(total: 1)
      }
      Function("array", on: .queue(.orders), to: .queue(.lines)) { order, context in
        order.body.lines
      }
      Function("outgoing", on: .queue(.orders), to: .queue(.alerts)) { order, context in
        Outgoing(
          Alert(text: order.id), key: order.key, messageID: "alert-\(order.id)", deliverAt: Date() + 60,
          timeToLive: .seconds(60), headers: ["severity": "high", "count": 3])
      }
      Function("optional-outgoing", on: .queue(.orders), to: .queue(.alerts)) { order, context in
        order.attempt > 1 ? Outgoing(Alert(text: "again")) : nil
      }
      Function("outgoings", on: .queue(.orders), to: .queue(.lines)) { order, context in
        order.body.lines.map { Outgoing($0, key: $0) }
      }
      Function("two", on: .queue(.orders), to: .queue(.invoices), .queue(.alerts)) { order, context in
        (Invoice(total: 1), Alert(text: "sent"))
      }
      Function("three", on: .queue(.orders), to: .queue(.invoices), .queue(.alerts), .queue(.lines)) {
        order, context in
        (nil as Invoice?, [Outgoing(Alert(text: "a"))], order.body.lines)
      }
      Function("none", on: .queue(.orders)) { order, context in
        try context.send(Invoice(total: 1), to: .invoices)
        try context.send(Outgoing(Alert(text: "x"), key: "k"), to: .alerts)
      }
      Function("intent", on: .queue(.orders, maxConcurrentCalls: 1, maxDequeueCount: 3)) { order, context in
        if order.body.id < 0 { throw Outcome.deadLetter("negative id") }
        if order.attempt < 3 { throw Outcome.retry(after: .seconds(30)) }
        throw NotYet()
      }
      Function(
        "whole-batch",
        on: .queue(.orders, maxMessageBatchSize: 100, minMessageBatchSize: 10, maxBatchWaitTime: .seconds(1)),
        to: .queue(.invoices), retry: .exponentialBackoff(maxRetryCount: 4), functionTimeout: .seconds(60)
      ) { batch, context in
        batch.filter { !$0.body.lines.isEmpty }.map { Outgoing(Invoice(total: 1), key: $0.key) }
      }
      Function("batch-only", on: .queue(.orders, maxMessageBatchSize: 100)) { batch, context in
        context.logger.information("\(batch.count) from \(batch.first?.id ?? "")")
      }
      Function("batch-results", on: .queue(.orders, maxMessageBatchSize: 100), to: .queue(.invoices)) {
        batch, context in
        await batch.results { order in
          if order.body.lines.isEmpty { return .deadLetter("no lines") }
          if order.attempt == 1 { return .retry(after: .seconds(1)) }
          return .success(try await ledger.invoice(order.body))
        }
      }
      Function(
        "batch-results-two", on: .queue(.orders, maxMessageBatchSize: 100), to: .queue(.invoices), .queue(.alerts)
      ) {
        batch, context in
        await batch.results { order in .success(Invoice(total: 1), Alert(text: order.id)) }
      }
      Function("batch-results-none", on: .queue(.orders, maxMessageBatchSize: 100)) { batch, context in
        await batch.results { order in order.attempt == 1 ? .retry() : .success() }
      }
      Function("text", on: .queue(.lines), to: .queue(.raw)) { line, context in Bytes(line.body) }
      Function("bytes", on: .queue(.raw), to: .queue(.data)) { raw, context in Data(raw.body) }
      Function("data", on: .queue(.data), to: .queue(.octets)) { data, context in [UInt8](data.body) }
      Function("octets", on: .queue(.octets), to: .queue(.amounts)) { octets, context in
        octets.body.map { Decimal($0) }
      }
      Function("codec", on: .queue(.amounts)) { amount, context in
        context.logger.information("\(amount.body)")
      }
      Billing(ledger: ledger).functions
      if isVerbose {
        Function("verbose", on: .queue(.orders)) { order, context in
          let facts: [String?] = [
            order.id, order.key, order.headers["a"]?.text, order.contentType?.description,
            order.enqueuedAt?.description, order.expiresAt?.description, order.trace?.traceparent,
            context.functionName, context.invocationID, "\(context.attempt)", "\(String(describing: context.deadline))",
            context.trace?.traceIDText,
          ]
          context.logger.debug(facts.compactMap(\.self).joined(separator: " "))
        }
      }
      for region in ["eu", "us"] {
        Function("ship-\(region)", on: .queue(QueueName<Order>("ship-\(region)"))) { _, _ in }
      }
    }
  }

  @Test func `every shape compiles and is listed in order`() {
    let names = Self.app(isVerbose: true).functions.map(\.name)
    #expect(names.first == "value")
    #expect(names.contains("bill-reference"))
    #expect(names.contains("verbose"))
    #expect(names.suffix(2) == ["ship-eu", "ship-us"])
    #expect(Self.app(isVerbose: false).functions.count == names.count - 1)
  }
}
