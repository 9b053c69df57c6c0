import MartletCore

@testable import MartletEmbedded

/// A store in memory, or two connections to one file, without a thread: the rules alone.
struct StoreBench {
  let store: Store
  /// The row of the instance that the consumers belong to.
  let instance: Int64
  private(set) var now: Int64 = 1_000_000

  init(_ path: String? = nil) throws {
    store = try StoreOpening.open(EmbeddedLocation(path: path), now: 0)
    try store.begin(isDurable: true)
    instance = try store.insert(
      Store.Instance(name: "one", app: "test", processID: 1, bootID: "boot"), deadline: 100, number: 0)
    _ = try store.commit()
  }

  @discardableResult
  func transaction<Value>(_ body: (Store) throws -> Value) throws -> Value {
    try store.begin(isDurable: true)
    do {
      let value = try body(store)
      _ = try store.commit()
      return value
    } catch {
      store.rollback()
      throw error
    }
  }

  func send(_ ids: String..., to queue: String = "q", change: (inout OutgoingMessage) -> Void = { _ in }) throws {
    try transaction { store in
      for id in ids {
        var message = OutgoingMessage(to: .queue(queue), body: Bytes(id), id: id)
        change(&message)
        try store.insert(message, into: store.queueCreating(named: queue), now: now)
      }
    }
  }

  func consumer(of queue: String = "q") throws -> Int64 {
    try transaction { store in
      try store.insertConsumer(of: instance, queue: store.queueCreating(named: queue).id, function: "f")
    }
  }

  func claim(_ count: Int, for consumer: Int64, from queue: String = "q", bytes: Int = 1 << 20, largest: Int = 1 << 20)
    throws -> [Delivery]
  {
    var arena = ByteArena()
    return try transaction { store in
      try store.claim(
        from: store.queueCreating(named: queue), for: consumer, generation: 1,
        Store.Allowance(messages: count, bytes: bytes), maxMessageBytes: largest, arena: &arena
      ).flatMap(\.deliveries)
    }
  }

  /// The next suspect, whoever held it.
  func claimSuspect(for consumer: Int64) throws -> Delivery? {
    try transaction { store in
      for range in try store.claims(of: Store.nobody) {
        let claim = try store.claimSuspect(in: range, for: consumer, generation: 1, maxMessageBytes: 1 << 20)
        if let claim { return claim.deliveries[0] }
      }
      return nil
    }
  }
}

extension Sequence<Delivery> {
  var ids: [String] { map(\.message.id) }
}
