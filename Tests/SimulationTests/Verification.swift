import MartletCore

@testable import MartletRuntime

/// What must be true when a simulation has ended, whatever happened on the way.
struct Verification {
  let simulation: Simulation
  private var scenario: Scenario { simulation.scenario }
  private let maxAttempts: Int

  init(_ simulation: Simulation) {
    self.simulation = simulation
    let options = simulation.scenario.options
    maxAttempts = options.retry.map { $0.maxRetryCount + 1 } ?? options.maxDequeueCount ?? 5
  }

  var problems: [String] {
    simulation.queue.messages.flatMap { message in
      var found = outcomeProblems(message) + outputProblems(message) + refusalProblems(message)
      if simulation.faults.isEmpty { found += runProblems(message) }
      return found.map { "message \(message.number) (\(message.script)) \($0); it is \(message.state)" }
    }
  }

  /// The outcome is the one that the script asks for in that attempt.
  private func outcomeProblems(_ message: SimulatedQueue.Stored) -> [String] {
    let isUndecodable = message.script == "!"
    switch message.state {
    case .completed(let attempt):
      if isUndecodable { return ["cannot be decoded and was completed"] }
      if !Operation(message.script, attempt: attempt).succeeds {
        return ["was completed though attempt \(attempt) fails"]
      }
    case .dead(let reason, let attempt):
      switch reason.code {
      case .undecodable: if !isUndecodable { return ["was called undecodable"] }
      case .rejected:
        if scenario.shape != .batchWhole, Operation(message.script, attempt: attempt) != .deadLetter {
          return ["was rejected though attempt \(attempt) does not ask for it"]
        }
      case .attemptsExhausted where reason.errorType == "ProcessDied" || reason.errorType == nil:
        if reason.attempts != attempt - 1 || attempt <= max(maxAttempts, 2) { return ["was given up too early"] }
      case .attemptsExhausted:
        if reason.attempts < maxAttempts || reason.attempts != attempt { return ["was given up too early"] }
        // Only deaths lead beyond the limit, and not far.
        let most = simulation.faults.isEmpty ? maxAttempts : max(maxAttempts, 2)
        if reason.attempts > most { return ["was given up too late"] }
        // A batch that takes too long fails as a whole.
        let isShared = reason.errorType == "MartletRuntime.FunctionTimeout" && scenario.shape == .batchResults
        if scenario.shape != .batchWhole, !isShared, Operation(message.script, attempt: attempt) == .success {
          return ["was given up though attempt \(attempt) succeeds"]
        }
      default: return ["has an unknown reason"]
      }
    case .ready, .delayed, .suspect, .held: return ["has no outcome"]
    }
    return []
  }

  /// Outputs exist for what was completed: once where one commit covers them, at least once where it does not.
  private func outputProblems(_ message: SimulatedQueue.Stored) -> [String] {
    let count = simulation.queue.outputs["m\(message.number)/f.0.0"] ?? 0
    let isCompleted = if case .completed = message.state { true } else { false }
    if isCompleted, count == 0 { return ["has lost its output"] }
    guard !scenario.crossesBrokers else { return [] }
    if count > 1 { return ["has \(count) outputs"] }
    return !isCompleted && count > 0 ? ["has an output without being completed"] : []
  }

  /// What the broker does not take is tried again less and less often, and is no failure of the function.
  private func refusalProblems(_ message: SimulatedQueue.Stored) -> [String] {
    // A fault begins anew with another process or life; eight waits last three seconds.
    if message.refusals > 8 * (1 + simulation.faults.count) { return ["was refused \(message.refusals) times"] }
    if scenario.shape != .batchWhole, case .dead(let reason, _) = message.state,
      reason.errorType == "MartletCore.BrokerError",
      !message.script.contains(where: { "oq".contains($0) })
    {
      return ["was given up over a refusal"]
    }
    return []
  }

  /// Without faults every attempt is one run, in order. (A batch that fails as a whole runs its first messages only.)
  private func runProblems(_ message: SimulatedQueue.Stored) -> [String] {
    let attempts = simulation.runs.filter { $0.message == "m\(message.number)" }.map(\.attempt)
    let last: Int
    switch message.state {
    case .completed(let attempt), .dead(_, let attempt): last = attempt
    case .ready, .delayed, .suspect, .held: return []
    }
    if message.script == "!" { return attempts.isEmpty ? [] : ["ran"] }
    guard scenario.shape == .one || scenario.shape == .direct else { return [] }
    return attempts == Array(1...last) ? [] : ["ran as attempts \(attempts), not 1 to \(last)"]
  }
}
