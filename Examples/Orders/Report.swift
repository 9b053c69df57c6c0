import Foundation
import Martlet

/// What the user sees of a run: what flows, and the summary. In JSON only the summary is on standard output; the rest
/// goes to the log.
struct Report {
  enum Format: String, CaseIterable { case text, json }

  let format: Format
  let logger: Logger
  private let start = ContinuousClock.now
  private var nextLine: ContinuousClock.Instant?

  init(_ format: Format, logger: Logger) {
    self.format = format
    self.logger = logger
  }

  /// Twice a second: how far the day is, and what has just come through.
  mutating func progress(_ summary: Summary, booked: Int, of count: Int, latest: Booking?) {
    guard let latest else { return }
    if nextLine == nil { logger.information("the first line is booked") }
    guard nextLine ?? .now <= .now else { return }
    nextLine = .now + .milliseconds(500)
    switch format {
    case .text:
      let seconds = (start.duration(to: .now) / .seconds(1)).formatted(.number.precision(.fractionLength(1)))
      print(
        seconds.aligned(to: 6), "s", "\(booked)".aligned(to: 7), "of \(count) lines",
        "\(summary.invoices)".aligned(to: 5), "invoices   net", summary.net.text.aligned(to: 12), "  now", latest)
      fflush(nil)
    case .json: logger.log(.information, "booked", LogField("lines", booked), LogField("of", count))
    }
  }

  /// The summary: a few lines of text, or one of JSON.
  func end(_ summary: Summary) throws {
    switch format {
    case .text: print("\n\(summary)")
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(summary), as: UTF8.self))
    }
  }
}

extension Booking: CustomStringConvertible {
  var description: String { "\(invoice) \(country) \(amount.text)" }
}

extension Summary: CustomStringConvertible {
  var description: String {
    let countries = revenueByCountry.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let rows =
      [
        ("Invoices", "\(invoices)"), ("  cancellations", "\(cancellations)"), ("Dead-lettered", "\(deadLettered)"),
        ("Net", net.text),
      ] + countries.map { ("  \($0.key)", $0.value.text) }
    return rows.map { name, value in
      name.padding(toLength: 24, withPad: " ", startingAt: 0) + value.aligned(to: 14)
    }.joined(separator: "\n")
  }
}

extension Decimal {
  /// With cents, and more digits where there are any.
  fileprivate var text: String {
    formatted(.number.precision(.fractionLength(2...20)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
  }
}

extension String {
  /// Spaces in front, so that columns end together.
  fileprivate func aligned(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
