import Foundation

/// Where prices come from. A real one would be asked over the network: hence the time it takes.
struct PriceService {
  /// How long an answer takes.
  var latency = Duration.zero

  /// Prices an order.
  func sale(of order: Order, origin: Origin) async throws -> Sale {
    if latency > .zero { try await Task.sleep(for: latency) }
    return Sale(
      origin: origin, invoice: order.invoice, country: order.country,
      amount: Decimal(order.quantity) * order.unitPrice)
  }
}

extension Booking {
  init(_ sale: Sale, in account: Account, origin: Origin) {
    self.init(
      origin: origin, account: account, invoice: sale.invoice, country: sale.country, amount: sale.amount)
  }
}
