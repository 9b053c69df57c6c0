public import MartletCore

/// Event hubs in the same file: a partition is a run of rows without gaps, an offset is the number of its row, the
/// sequence number is the same. A delayed event is refused. `trim` is what removes events; nothing else does.
extension EmbeddedBroker: EventLog {
  public func declare(_ hub: HubDeclaration) async throws(BrokerError) -> HubDescription {
    try await write { engine, store, _ throws(SQLiteError) in try engine.declare(hub, in: store) }
  }

  public func note(_ hub: HubDeclaration) { inbox.send(.note(hub)) }

  public func partitionCount(of hub: String) async throws(BrokerError) -> Int {
    try await query { store throws(SQLiteError) in .success(try store.hub(named: hub)?.partitionCount ?? 0) }
  }

  public func position(before start: InitialOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    try await position(in: partition) { store, row throws(SQLiteError) in try store.position(before: start, in: row) }
  }

  public func position(before offset: EventOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    try await position(in: partition) { store, row throws(SQLiteError) in
      try store.position(beforeNumber: Int64(clamping: offset.low), in: row)
    }
  }

  private func position(
    in partition: HubPartition,
    _ find: @escaping @Sendable (Store, PartitionRow) throws(SQLiteError) -> PartitionPosition
  ) async throws(BrokerError) -> PartitionPosition {
    try await query { store throws(SQLiteError) in
      guard let hub = try store.hub(named: partition.hub) else { return .failure(.missing(hub: partition.hub)) }
      guard let row = try store.partition(partition.number, of: hub) else {
        return .failure(
          BrokerError(
            .notFound, "the event hub \(hub.name) has the partitions 0 to \(hub.partitionCount - 1), no \(partition)",
            isRetriable: false))
      }
      return .success(try find(store, row))
    }
  }

  public func read(
    _ partition: HubPartition, after position: PartitionPosition, function: String, handler: any EventHandler
  ) async throws(BrokerError) -> any PartitionReader {
    let specification = EventReader.Specification(
      id: newID(), partition: partition, position: position, handler: handler)
    try await ask { .read(specification, $0) }
    return EmbeddedPartitionReader(id: specification.id, inbox: inbox)
  }

  public func bounds(of hub: String) async throws(BrokerError) -> [PartitionBounds] {
    try await query { store throws(SQLiteError) in
      guard let hub = try store.hub(named: hub) else { return .success([]) }
      var bounds: [PartitionBounds] = []
      for number in 0..<hub.partitionCount {
        if let partition = try store.partition(number, of: hub) { bounds.append(try store.bounds(of: partition)) }
      }
      return .success(bounds)
    }
  }

  public func trim(_ partition: HubPartition) async throws(BrokerError) -> Int {
    // Mostly there is no limit, and nothing to write.
    let isKept = try await query { store throws(SQLiteError) in
      .success(try store.hub(named: partition.hub)?.retention ?? HubRetention() == HubRetention())
    }
    if isKept { return 0 }
    // In pieces, so that nobody waits long for the file.
    let piece = 2_000
    var (sum, count) = (0, piece)
    while count == piece {
      count = try await write { engine, store, _ throws(SQLiteError) in
        .success(try engine.trim(partition, limit: piece, in: store))
      }
      sum += count
    }
    return sum
  }

  public func delete(hub: String) async throws(BrokerError) {
    try await write { engine, store, effects throws(SQLiteError) in
      .success(try engine.delete(hub: hub, in: store, &effects))
    }
  }

  // MARK: On the thread

  /// Writes something on the connection thread, in one transaction with what waits beside it.
  /// - Parameter isDurable: whether to wait for the disk.
  func write<Value: Sendable>(
    isDurable: Bool = true,
    _ body: @escaping @Sendable (Engine, Store, inout Effects) throws(SQLiteError) -> Result<Value, BrokerError>
  ) async throws(BrokerError) -> Value {
    try await ask { .work(.hub(HubWork(isDurable: isDurable, $0, body))) }
  }

  /// Reads something on the connection thread, after what was handed in before.
  func query<Value: Sendable>(
    _ body: @escaping @Sendable (Store) throws(SQLiteError) -> Result<Value, BrokerError>
  ) async throws(BrokerError) -> Value {
    try await ask { .query(HubQuery($0, body)) }
  }
}
