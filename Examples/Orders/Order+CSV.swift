import Foundation
import Martlet

extension Order {
  /// Reads and checks a line of the file.
  /// - Throws: `Outcome.deadLetter` with the reason: a bad line does not get better by another try.
  init(csv text: String, origin: Origin) throws {
    let records = Array(CSVReader(text))
    guard records.count == 1, records[0].fields.count == Self.columns.count else {
      throw Outcome.deadLetter("\(Self.columns.count) columns are needed, not \(records.first?.fields.count ?? 0)")
    }
    let fields = records[0].fields.map { $0.trimmingCharacters(in: .whitespaces) }
    if fields[0].isEmpty { throw Outcome.deadLetter("InvoiceNo is empty") }
    if fields[1].isEmpty { throw Outcome.deadLetter("StockCode is empty") }
    guard let quantity = Int(fields[3]) else {
      throw Outcome.deadLetter("Quantity is \"\(fields[3])\", not a whole number")
    }
    guard let date = Self.date(fields[4]) else {
      throw Outcome.deadLetter("InvoiceDate is \"\(fields[4])\", not a time like 2010-12-01 08:26:00")
    }
    guard let unitPrice = Self.decimal(fields[5]) else {
      throw Outcome.deadLetter("UnitPrice is \"\(fields[5])\", not a number like 2.55")
    }
    self.init(
      origin: origin, invoice: fields[0], stockCode: fields[1], description: fields[2], quantity: quantity,
      date: date, unitPrice: unitPrice, customer: fields[6], country: fields[7])
  }

  static let columns = [
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country",
  ]

  private static func date(_ text: String) -> Date? {
    let format = Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .gmt)
      .year().month().day().time(includingFractionalSeconds: false)
    // Parsing takes February 30th for March 2nd; written again, such a date differs from what was read.
    guard let date = try? Date(text, strategy: format), date.formatted(format) == text else { return nil }
    return date
  }

  private static func decimal(_ text: String) -> Decimal? {
    // `Decimal(string:)` stops at the first character that does not fit: it takes "2.5O" for 2.5.
    guard text.wholeMatch(of: /[-+]?[0-9]+(\.[0-9]+)?/) != nil else { return nil }
    return Decimal(string: text)
  }
}
