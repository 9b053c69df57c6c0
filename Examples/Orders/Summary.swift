import Foundation

/// What a run amounts to.
struct Summary: Codable, Equatable {
  /// Invoice numbers, cancelled ones included.
  var invoices = 0
  var cancellations = 0
  /// Quantity × unit price of all valid lines.
  var net = Decimal(0)
  /// The same by country.
  var revenueByCountry: [String: Decimal] = [:]
  /// Lines that were set aside.
  var deadLettered = 0
}
