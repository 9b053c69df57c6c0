import MartletCore

/// Something to write for a hub or a consumer group. Done in the order of the calls, with all other works.
struct HubWork: Sendable {
  /// Whether the answer says that the disk has it.
  let isDurable: Bool
  /// Runs inside of the transaction; once more where that is repeated.
  let apply: @Sendable (Engine, Store, inout Effects) throws(SQLiteError) -> Void
  /// Answers it when it can no longer be done.
  let fail: @Sendable (BrokerError) -> Void

  init<Value: Sendable>(
    isDurable: Bool, _ reply: @escaping Reply<Value>,
    _ body: @escaping @Sendable (Engine, Store, inout Effects) throws(SQLiteError) -> Result<Value, BrokerError>
  ) {
    self.isDurable = isDurable
    apply = { engine, store, effects throws(SQLiteError) in
      let result = try body(engine, store, &effects)
      effects.answers.append { reply(result) }
    }
    fail = { reply(.failure($0)) }
  }
}

/// Something to read of a hub or a consumer group, as of one moment.
struct HubQuery: Sendable {
  let run: @Sendable (Store) throws(SQLiteError) -> Void
  /// Answers it when it can no longer be done.
  let fail: @Sendable (BrokerError) -> Void

  init<Value: Sendable>(
    _ reply: @escaping Reply<Value>,
    _ body: @escaping @Sendable (Store) throws(SQLiteError) -> Result<Value, BrokerError>
  ) {
    run = { store throws(SQLiteError) in
      let result = try store.snapshot { () throws(SQLiteError) in try body(store) }
      reply(result)
    }
    fail = { reply(.failure($0)) }
  }
}
