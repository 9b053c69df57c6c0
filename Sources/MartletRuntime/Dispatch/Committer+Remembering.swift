import MartletCore

extension Committer {
  /// Commits where the broker cannot remember ids itself: outputs, confirmed; the ids, in the store; the settlement. So
  /// what is remembered has happened, and a message that comes again because its settlement was lost is dropped. Between
  /// the first two steps a crash repeats the outputs, with equal ids; and so do two processes that pass the first look
  /// at the same moment. Dead letters are remembered behind their settlement: before, a crash would lose one.
  func commit(
    _ group: CommitGroup, remembering memory: RepeatMemory,
    completion: @escaping @Sendable (CommitResult, _ sent: Set<Int>) -> Void
  ) {
    Task.detached(executorPreference: memory.executor) { [self] in
      let (result, sent) = await applied(group, memory)
      completion(result, sent)
    }
  }

  private func applied(_ group: CommitGroup, _ memory: RepeatMemory) async -> (CommitResult, sent: Set<Int>) {
    guard let deduplication = group.deduplication,
      let known = await memory.remembered(of: deduplication.ids.filter { !$0.isEmpty })
    else { return (.ownershipLost, []) }
    var refused: [Int: BrokerError] = [:]
    for index in group.entries.indices {
      guard let id = group.rememberedIDs(ofEntry: index).first(where: known.contains) else { continue }
      refused[index] = .repeated(id, in: input.name)
    }
    let (unsent, isClosed) = await publish(group, except: refused)
    if isClosed { return (.ownershipLost, []) }
    refused.merge(unsent) { $1 }
    let kept = group.entries.indices.filter { refused[$0] == nil }
    guard !kept.isEmpty else { return (.refused(refused), []) }
    guard await memory.remember(group.ids(of: kept, areDeadLetters: false)) else {
      return (.ownershipLost, [])
    }
    var sent: Set<Int> = []
    switch await consumer.commit(group.filtered(entries: kept) { _ in false }) {
    case .applied: break
    case .ownershipLost: return (refused.isEmpty ? .ownershipLost : .refused(refused), [])
    case .refused(let errors):
      for (index, error) in errors { refused[kept[index]] = error }
      sent = Set(errors.keys.map { kept[$0] })
    }
    let settled = kept.filter { refused[$0] == nil }
    // Where the store was closed a repeat would only be set aside once more.
    _ = await memory.remember(group.ids(of: settled, areDeadLetters: true))
    return (refused.isEmpty ? .applied : .refused(refused), sent)
  }

  private func publish(
    _ group: CommitGroup, except refused: [Int: BrokerError]
  ) async -> (refused: [Int: BrokerError], isClosed: Bool) {
    var outputs: [(message: OutgoingMessage, owner: Int)] = []
    for (index, entry) in group.entries.enumerated() where refused[index] == nil {
      for output in group.outputs[entry.outputs] { outputs.append((output, index)) }
    }
    guard !outputs.isEmpty else { return ([:], false) }
    return await withCheckedContinuation { continuation in
      Shipment.publish(outputs, broker: broker) { continuation.resume(returning: ($0, $1)) }
    }
  }
}

extension CommitGroup {
  /// The ids that some entries remember.
  fileprivate func ids(of kept: [Int], areDeadLetters: Bool) -> [String] {
    kept.flatMap { index in
      zip(settlements[entries[index].settlements], rememberedIDs(ofEntry: index)).compactMap { settlement, id in
        let isDeadLetter = if case .deadLetter = settlement { true } else { false }
        return isDeadLetter == areDeadLetters && !id.isEmpty ? id : nil
      }
    }
  }
}
