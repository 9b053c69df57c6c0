import Foundation
import Martlet

extension QueueName<Line> { static let lines: Self = "shop-lines" }
extension QueueName<Order> { static let orders: Self = "shop-orders" }
extension QueueName<Sale> { static let sales: Self = "shop-sales" }
extension QueueName<Sale> { static let cancellations: Self = "shop-cancellations" }
extension QueueName<Booking> { static let bookings: Self = "shop-bookings" }

/// A line of the file, as it stands there.
struct Line: Codable, FromLine {
  let origin: Origin
  let text: String
}

/// A line that was understood: so many of one article, on one invoice.
struct Order: Codable, FromLine {
  let origin: Origin
  let invoice: String
  let stockCode: String
  let description: String
  /// Less than zero for what came back.
  let quantity: Int
  let date: Date
  let unitPrice: Decimal
  let customer: String
  let country: String

  /// The numbers of cancelled invoices begin with C.
  var isCancellation: Bool { invoice.hasPrefix("C") }
}

/// An order with its price.
struct Sale: Codable, FromLine {
  let origin: Origin
  let invoice: String
  let country: String
  let amount: Decimal
}

/// What the summary adds up.
struct Booking: Codable, FromLine {
  enum Account: String, Codable { case revenue, cancellations }

  let origin: Origin
  let account: Account
  let invoice: String
  let country: String
  let amount: Decimal
}
