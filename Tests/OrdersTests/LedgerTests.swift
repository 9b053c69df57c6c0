import Foundation
import Martlet
import Testing

@testable import OrdersExample

@Suite struct LedgerTests {
  private let ledger = Ledger()

  private func enter(
    line: Int, _ invoice: String, _ amount: Decimal, _ account: Booking.Account = .revenue, run: String? = nil
  ) async throws {
    let origin = Origin(run: run ?? ledger.run, line: line)
    try await ledger.enter(
      Booking(origin: origin, account: account, invoice: invoice, country: "EIRE", amount: amount), origin: origin)
  }

  @Test func countsALineOnce() async throws {
    for _ in 1...3 { try await enter(line: 7, "536365", 5) }
    #expect(await ledger.summary == Summary(invoices: 1, net: 5, revenueByCountry: ["EIRE": 5]))
  }

  @Test func countsEqualLinesAtOtherPositions() async throws {
    try await enter(line: 7, "536365", 5)
    try await enter(line: 8, "536365", 5)
    try await enter(line: 9, "C536366", -4, .cancellations)
    #expect(await ledger.summary == Summary(invoices: 2, cancellations: 1, net: 6, revenueByCountry: ["EIRE": 6]))
  }

  @Test func passesOverWhatAnEarlierRunHasLeft() async throws {
    try await enter(line: 7, "536365", 5, run: "2010-12-01T08:26:00.000Z-1")
    #expect(await ledger.summary == Summary())
    #expect(await ledger.successor == nil)
  }

  @Test func leavesToALaterRunWhatIsItsOwn() async throws {
    await #expect(throws: Outcome.retry(after: .seconds(1))) { try await enter(line: 7, "536365", 5, run: "9") }
    #expect(await ledger.successor == "9")
  }
}
