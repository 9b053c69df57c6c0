import MartletCore

/// The messages that wait or run in this process, by id, where repeats are dropped. Another message of such an id is kept
/// back until the first has its outcome: then it is a repeat, or it runs because the first has failed.
struct MessagesInHand: Sendable {
  /// By id, the life of the consumer that the message belongs to.
  private var generations: [String: UInt32] = [:]
  private var keptBack: [String: [Delivery]] = [:]

  /// Those that may go on; the others are kept back.
  mutating func admit(_ deliveries: [Delivery]) -> [Delivery] {
    deliveries.filter { delivery in
      let id = delivery.message.id
      if generations[id] == nil {
        generations[id] = delivery.receipt.generation
        return true
      }
      keptBack[id, default: []].append(delivery)
      return false
    }
  }

  /// A message has its outcome.
  /// - Returns: the next one of its id, which may go on now.
  mutating func end(_ id: String, generation: UInt32) -> Delivery? {
    guard generations[id] == generation else { return nil }
    guard var others = keptBack[id] else {
      generations[id] = nil
      return nil
    }
    let next = others.removeFirst()
    keptBack[id] = others.isEmpty ? nil : others
    generations[id] = next.receipt.generation
    return next
  }

  /// Forgets what is no longer the consumer's.
  /// - Returns: what may go on now.
  mutating func revoke(generationsBefore generation: UInt32) -> [Delivery] {
    generations = generations.filter { $0.value >= generation }
    let others = keptBack.mapValues { $0.filter { $0.receipt.generation >= generation } }
    keptBack = [:]
    return admit(others.values.flatMap(\.self))
  }

  /// What is kept back; nothing is, afterwards.
  mutating func takeKeptBack() -> [Delivery] {
    defer { keptBack = [:] }
    return keptBack.values.flatMap(\.self)
  }
}
