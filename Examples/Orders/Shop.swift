import Martlet

/// The shop: a chain of functions, from a line of CSV to a booking.
struct Shop {
  let prices: PriceService

  @FunctionBuilder var functions: [Function] {
    Function("validate", on: .queue(.lines), to: .queue(.orders)) { line, _ in
      try Order(csv: line.body.text, origin: line.origin)
    }
    Function("price", on: .queue(.orders), to: .queue(.sales), .queue(.cancellations)) { order, _ in
      let sale = try await prices.sale(of: order.body, origin: order.origin)
      return order.body.isCancellation ? (nil, sale) : (sale, nil)
    }
    Function("revenue", on: .queue(.sales), to: .queue(.bookings)) { sale, _ in
      Booking(sale.body, in: .revenue, origin: sale.origin)
    }
    Function("cancel", on: .queue(.cancellations), to: .queue(.bookings)) { sale, _ in
      Booking(sale.body, in: .cancellations, origin: sale.origin)
    }
  }

  /// The queues of the chain.
  static let queues = [
    QueueName.lines.address, QueueName.orders.address, QueueName.sales.address, QueueName.cancellations.address,
    QueueName.bookings.address,
  ].map(\.name)

  /// The end of the chain, in the one process that sums up.
  static func summarize(into ledger: Ledger) -> Function {
    Function("summarize", on: .queue(.bookings)) { booking, _ in
      try await ledger.enter(booking.body, origin: booking.origin)
    }
  }
}
