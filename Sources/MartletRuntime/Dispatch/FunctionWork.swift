import MartletCore

/// What one invocation runs on.
enum FunctionWork: Sendable {
  case one(DeliveryReference)
  case many([DeliveryReference])
  case events([EventReference])

  var deliveries: [DeliveryReference] {
    switch self {
    case .one(let delivery): [delivery]
    case .many(let deliveries): deliveries
    case .events: []
    }
  }

  /// The highest attempt.
  var attempt: Int {
    switch self {
    case .one(let delivery): delivery.value.attempt
    case .many(let deliveries): deliveries.reduce(1) { max($0, $1.value.attempt) }
    case .events(let events): events.reduce(1) { max($0, $1.attempt) }
    }
  }

  /// The message's id; of a batch, the first one's and how many follow.
  var id: String {
    switch self {
    case .one(let delivery): delivery.value.message.id
    case .many(let deliveries): "\(deliveries.first?.value.message.id ?? "")+\(deliveries.count - 1)"
    case .events(let events) where events.count == 1: events[0].value.message.id
    case .events(let events): "\(events.first?.value.message.id ?? "")+\(events.count - 1)"
    }
  }

  /// The same as it arrived.
  var identifier: Message.Identifier {
    switch self {
    case .one(let delivery): delivery.value.message.identifier
    case .events(let events) where events.count == 1: events[0].value.message.identifier
    case .many, .events: .text(id)
    }
  }

  /// The message's trace; a batch of several has many, so none.
  var trace: TraceContext? {
    switch self {
    case .one(let delivery): delivery.value.message.trace
    case .many(let deliveries): deliveries.count == 1 ? deliveries[0].value.message.trace : nil
    case .events(let events): events.count == 1 ? events[0].value.message.trace : nil
    }
  }
}
