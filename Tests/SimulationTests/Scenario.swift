@testable import MartletRuntime

/// What one seed simulates: an app, its messages and the faults that may happen.
struct Scenario {
  enum Shape: CaseIterable { case direct, one, batchResults, batchWhole }

  let seed: UInt64
  let shape: Shape
  let options: FunctionOptions
  let processes: Int
  /// Whether outputs go to another broker, so that a commit has two steps.
  let crossesBrokers: Bool
  /// How many faults may happen: leases lost, processes killed, processes drained.
  let faults: Int
  /// What each message does, attempt by attempt; see `Operation`.
  let scripts: [String]
  /// For how long, in nanoseconds, the broker takes no settlement without outputs of a message; by its number.
  let refusals: [Int: UInt64]

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    self.seed = seed
    shape = Shape.allCases.randomElement(using: &generator) ?? .one
    processes = Int.random(in: 1...2, using: &generator)
    crossesBrokers = generator.chance(25)
    faults = generator.chance(30) ? 0 : Int.random(in: 1...5, using: &generator)
    var options = FunctionOptions(
      maxConcurrentCalls: Int.random(in: 1...4, using: &generator),
      prefetchCount: Int.random(in: 1...12, using: &generator), functionTimeout: .milliseconds(200))
    switch Int.random(in: 0..<3, using: &generator) {
    case 0: options.maxDequeueCount = Int.random(in: 1...4, using: &generator)
    case 1:
      options.retry = .fixedDelay(
        maxRetryCount: Int.random(in: 0...3, using: &generator), delayInterval: .milliseconds(20),
        immediateRetryCount: Int.random(in: 0...1, using: &generator))
    default:
      options.retry = .exponentialBackoff(
        maxRetryCount: Int.random(in: 0...3, using: &generator), minimumInterval: .milliseconds(10),
        maximumInterval: .milliseconds(100))
    }
    if shape == .batchResults || shape == .batchWhole {
      options.maxMessageBatchSize = Int.random(in: 1...5, using: &generator)
      options.minMessageBatchSize = Int.random(in: 1...(options.maxMessageBatchSize ?? 1), using: &generator)
      options.maxBatchWaitTime = .milliseconds(Int.random(in: 0...50, using: &generator))
    }
    self.options = options
    let isDirect = shape == .direct
    let isBatch = shape == .batchResults || shape == .batchWhole
    let operations = Operation.allCases.filter { (!isDirect || !$0.waits) && (!isBatch || !$0.isForOne) }
    scripts = (0..<Int.random(in: 3...14, using: &generator)).map { _ in
      if generator.chance(5) { return "!" }
      // Most messages are good: a fault needs innocent neighbours.
      if generator.chance(50) { return "s" }
      return String(
        (0..<Int.random(in: 1...4, using: &generator)).map { _ in
          (operations.randomElement(using: &generator) ?? .success).rawValue
        })
    }
    var refusals: [Int: UInt64] = [:]
    if generator.chance(40) {
      for number in scripts.indices where generator.chance(30) {
        refusals[number] = .random(in: 1_000_000...3_000_000_000, using: &generator)
      }
    }
    self.refusals = refusals
  }
}

/// What a message does to the function in one attempt; the last one of a script goes on for ever.
enum Operation: Character, CaseIterable {
  case success = "s"
  case failure = "f"
  case deadLetter = "d"
  case retryLater = "r"
  /// A success whose output the broker refuses.
  case refusedOutput = "o"
  /// A success that sends one more output by hand, which the input's own broker refuses.
  case refusedHere = "q"
  /// The process dies.
  case kill = "k"
  /// A success after 30 ms.
  case slow = "w"
  /// Never ends by itself, but heeds cancellation.
  case hang = "t"
  /// A success, but a second too late: it does not heed cancellation.
  case late = "l"
  /// Heeds nothing: for 10 s with messages, for ever with events.
  case stubborn = "h"

  /// Whether the function has to wait for it.
  var waits: Bool { self == .slow || self == .hang || self == .late || self == .stubborn }
  var succeeds: Bool { self == .success || self == .slow }
  /// What is sent by hand belongs to a whole batch, not to one message of it.
  var isForOne: Bool { self == .refusedHere }

  /// The operation of a script for the attempt of that number, from 1.
  init(_ script: String, attempt: Int) {
    let index = min(attempt, script.count) - 1
    self = Operation(rawValue: Array(script)[index]) ?? .success
  }
}
