import MartletCore

/// The keys that a message is written to.
struct OutputTarget {
  /// The stream; for a delayed message the delayed set, the stream and the leases.
  let keys: [String]
  let isDelayed: Bool

  /// - Parameter partition: of a hub, where the event goes to.
  init(_ message: OutgoingMessage, partition: Int) {
    let name = message.address.name
    if message.address.kind == .hub {
      (keys, isDelayed) = ([HubKeys(name).stream(partition)], false)
    } else if message.address.kind == .deadLetters {
      (keys, isDelayed) = ([QueueKeys(name).dead], false)
    } else if Self.isDelayed(message) {
      (keys, isDelayed) = (QueueKeys(name).delaying, true)
    } else {
      (keys, isDelayed) = ([name], false)
    }
  }

  /// Only queues deliver later; what goes to dead letters does so at once.
  static func isDelayed(_ message: OutgoingMessage) -> Bool {
    message.deliverAt != nil && message.address.kind != .hub && message.address.kind != .deadLetters
  }
}
