/// The keys of a queue. The stream's is the bare name; the helpers share its hash slot through the braces.
struct QueueKeys: Sendable {
  let stream: String
  let leases: String
  let numbers: String
  let attempts: String
  let dead: String
  let delayed: String
  let remembered: String

  init(_ queue: String) {
    stream = queue
    leases = "{\(queue)}:leases"
    numbers = "{\(queue)}:numbers"
    attempts = "{\(queue)}:attempts"
    dead = "{\(queue)}:dead"
    delayed = "{\(queue)}:delayed"
    remembered = Self.remembered(in: queue)
  }

  /// Where ids of messages are remembered.
  static func remembered(in scope: String) -> String { "{\(scope)}:remembered" }

  /// The consumer group of every queue: competing consumers are one group.
  static let group = "martlet"

  /// What it takes to delay a message for this queue.
  var delaying: [String] { [delayed, stream, leases] }

  /// All but the stream: a consumer group has dead letters, and no stream of that name.
  var helpers: [String] { [leases, numbers, attempts, dead, delayed] }

  var all: [String] { [stream] + helpers }
}
