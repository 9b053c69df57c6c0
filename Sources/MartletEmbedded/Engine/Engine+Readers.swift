import MartletCore

/// Readers of partitions: what is new goes to those that have room. No transaction is needed for it.
extension Engine {
  func begin(_ specification: EventReader.Specification, reply: @escaping Reply<Void>) {
    let reader = EventReader(specification, reply: reply)
    eventReaders[reader.id] = reader
    eagerReaders.insert(reader.id)
    if let trouble { reader.answer(problem: trouble.error) }
  }

  func grant(_ count: Int, to reader: Int) {
    guard let reader = eventReaders[reader], count > 0 else { return }
    reader.grant(count)
    eagerReaders.insert(reader.id)
  }

  func end(_ reader: Int) {
    guard let reader = eventReaders.removeValue(forKey: reader) else { return }
    eagerReaders.remove(reader.id)
    if let partition = reader.rows?.partition {
      partitionReaders[partition]?.remove(reader.id)
      if partitionReaders[partition]?.isEmpty ?? false { partitionReaders[partition] = nil }
    }
    reader.fail(.closed)
  }

  /// Something happened in these partitions.
  func hear(of partitions: some Sequence<Int64>) {
    guard !partitionReaders.isEmpty else { return }
    for partition in partitions { eagerReaders.formUnion(partitionReaders[partition] ?? []) }
  }

  /// Once a second all readers look for themselves: after a partition that is gone, news may be gone with it.
  func checkReaders() {
    guard !eventReaders.isEmpty, readersCheckedAt + .seconds(1) <= .now else { return }
    readersCheckedAt = .now
    eagerReaders.formUnion(eventReaders.keys)
  }

  /// Hands a chunk to each reader for which there may be something; more comes in the next turns.
  func readEvents() throws(SQLiteError) {
    guard let store, !eagerReaders.isEmpty else { return }
    try store.snapshot { () throws(SQLiteError) in
      for case let reader? in eagerReaders.map({ eventReaders[$0] }) {
        if let loss = try read(reader, in: store) {
          reader.end(with: loss)
          end(reader.id)
        }
      }
    }
  }

  /// Hands over what there is, and what was granted, up to a chunk.
  /// - Returns: why the reader ends; nil where it goes on.
  private func read(_ reader: EventReader, in store: Store) throws(SQLiteError) -> EventLoss? {
    // Nothing is told without a grant, nor is a loss.
    guard reader.granted > 0 else {
      eagerReaders.remove(reader.id)
      reader.answer(problem: nil)
      return nil
    }
    guard let hub = try store.hub(named: reader.partition.hub),
      let partition = try store.partition(reader.partition.number, of: hub)
    else { return .deleted }
    if let rows = reader.rows {
      guard rows.hub == hub.id else { return .recreated }
    } else {
      if let loss = try store.loss(after: reader.position, in: partition) { return loss }
      reader.attach(hub: hub.id, partition: partition.id)
      partitionReaders[partition.id, default: []].insert(reader.id)
    }
    guard reader.next >= partition.head else { return .retentionGap(missing: partition.head - reader.next) }
    if reader.next < partition.tail {
      var allowance = EventReader.chunk
      allowance.messages = min(allowance.messages, reader.granted)
      let chunk = try store.read(from: reader.next, of: partition, allowance, arena: &arena)
      reader.hand(chunk.events, tail: partition.end)
    }
    if reader.granted == 0 || reader.next >= partition.tail { eagerReaders.remove(reader.id) }
    return nil
  }
}
