import Foundation
import Martlet

/// Adds up the bookings of one run, each line once.
actor Ledger {
  nonisolated let run: String
  /// The lines that are booked.
  private(set) var lines: Set<Int> = []
  private(set) var summary = Summary()
  private(set) var redeliveries = 0
  private(set) var latest: Booking?
  /// The id of a later run that has begun on the same broker.
  private(set) var successor: String?
  private var invoices: Set<String> = []
  private var cancellations: Set<String> = []

  /// A ledger for a run that begins now.
  init() {
    let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    run = "\(time)-\(UInt16.random(in: 0 ... .max))"
  }

  /// Enters a booking. One that was entered before changes nothing; nor does one that an earlier run has left behind.
  /// - Throws: `Outcome.retry` for what belongs to a later run: its own process will take it.
  func enter(_ booking: Booking, origin: Origin) throws {
    if origin.run > run {
      successor = origin.run
      throw Outcome.retry(after: .seconds(1))
    }
    guard origin.run == run, lines.insert(origin.line).inserted else { return }
    invoices.insert(booking.invoice)
    if booking.account == .cancellations { cancellations.insert(booking.invoice) }
    summary.invoices = invoices.count
    summary.cancellations = cancellations.count
    summary.net += booking.amount
    summary.revenueByCountry[booking.country, default: 0] += booking.amount
    redeliveries += origin.redeliveries
    latest = booking
  }
}
