import MartletCore

/// Messages for queues and for hubs that were handed in together: each kind goes its own way.
final class MixedPublication {
  private var open = 2
  private var refused: [Int: BrokerError] = [:]
  private var isLost = false
  private let completion: (CommitResult) -> Void

  private init(_ completion: @escaping (CommitResult) -> Void) { self.completion = completion }

  static func begin(
    _ messages: [OutgoingMessage], on loop: RedisLoop, _ completion: @escaping (CommitResult) -> Void
  ) {
    let events = messages.indices.filter { messages[$0].address.kind == .hub }
    if events.isEmpty { return Publication(messages, completion).begin(on: loop) }
    if events.count == messages.count { return loop.publishing.publish(HubPublication(messages, completion)) }
    let others = messages.indices.filter { messages[$0].address.kind != .hub }
    let whole = MixedPublication(completion)
    loop.publishing.publish(HubPublication(events.map { messages[$0] }) { whole.ended($0, events) })
    Publication(others.map { messages[$0] }) { whole.ended($0, others) }.begin(on: loop)
  }

  /// - Parameter places: of the part's messages among all of them.
  private func ended(_ result: CommitResult, _ places: [Int]) {
    switch result {
    case .applied: break
    case .ownershipLost: isLost = true
    case .refused(let errors): for (index, error) in errors { refused[places[index]] = error }
    }
    open -= 1
    guard open == 0 else { return }
    completion(isLost ? .ownershipLost : refused.isEmpty ? .applied : .refused(refused))
  }
}
