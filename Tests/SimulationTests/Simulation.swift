import MartletCore

@testable import MartletRuntime

/// Runs one scenario: real runners over a modelled broker, on one thread, with a clock of its own. Every step (which job
/// runs, which message moves, how time passes, what fails) is a choice of the seed, so a seed that fails fails again.
///
/// `@unchecked Sendable`: all of it lives on the thread that runs it.
final class Simulation: @unchecked Sendable {
  private static let maxSteps = 30_000

  let scenario: Scenario
  var queue: SimulatedQueue
  private(set) var generator: SeededGenerator
  private(set) var now: UInt64 = 1_000_000_000
  var time: MonotonicTime { MonotonicTime(nanoseconds: now) }
  private var processes: [SimulatedProcess] = []
  private var faultsLeft: Int
  let sleepers = Sleepers()
  /// Every run that began: which message, which attempt.
  private(set) var runs: [(message: String, attempt: Int)] = []
  private(set) var faults: [String] = []

  init(_ scenario: Scenario) {
    self.scenario = scenario
    let begin = now
    queue = SimulatedQueue(scripts: scenario.scripts, refusedUntil: scenario.refusals.mapValues { begin + $0 })
    generator = SeededGenerator(seed: scenario.seed ^ 0x5eed)
    faultsLeft = scenario.faults
  }

  /// Runs until every message has its outcome and every process has drained; what went wrong.
  func run() -> [String] {
    for _ in 0..<scenario.processes { startProcess() }
    var steps = 0
    while !isQuiet, steps < Self.maxSteps, queue.violations.isEmpty {
      step()
      steps += 1
    }
    for process in processes where process.isRunning {
      if queue.held(by: process.number) > 0 { queue.violation("a message is held for ever") }
      if process.runner.tick(now: time) { queue.violation("a runner is not idle though nothing is left") }
      process.drain(now: now)
    }
    faultsLeft = 0
    while processes.contains(where: \.isActive), steps < Self.maxSteps, queue.violations.isEmpty {
      step()
      steps += 1
    }
    if steps == Self.maxSteps { queue.violation("it does not come to an end: \(stuck)") }
    cleanUp()
    return queue.violations.isEmpty ? Verification(self).problems : queue.violations
  }

  private var isQuiet: Bool {
    queue.isSettled
      && processes.allSatisfy { process in
        !process.isActive || (process.traffic.isEmpty && !process.executor.hasWaitingJobs && process.running == 0)
      } && !processes.contains { if case .draining = $0.life { true } else { false } }
  }

  private var stuck: String {
    let messages = queue.messages.map { "\($0.script) \($0.state)" }
    let lives = processes.map { "\($0.number) \($0.life) \($0.traffic.count) on the way, \($0.running) running" }
    return (messages + lives).joined(separator: ", ")
  }

  // MARK: Steps

  private func step() {
    let active = processes.filter(\.isActive)
    guard let process = active.randomElement(using: &generator) else { return startProcess() }
    switch Int.random(in: 0..<100, using: &generator) {
    case ..<45: _ = process.executor.runNext { Int.random(in: 0..<$0, using: &generator) }
    case ..<60: deliver(to: process)
    case ..<80: moveTraffic(of: process)
    case ..<83: process.learnOfLoss()
    case 83 where faultsLeft > 0: fail(process)
    default: passTime(active)
    }
    endDrains()
  }

  private func startProcess() {
    let process = SimulatedProcess(number: processes.count, simulation: self)
    processes.append(process)
    // Sometimes messages arrive before the function is open.
    if generator.chance(30) { deliver(to: process) }
    process.open()
  }

  private func deliver(to process: SimulatedProcess) {
    process.learnOfLoss()
    let room = process.prefetch - queue.held(by: process.number)
    guard room > 0 else { return }
    let limit = Int.random(in: 1...room, using: &generator)
    process.deliver(queue.claim(limit, process: process.number, generation: process.generation, now: now))
  }

  private func moveTraffic(of process: SimulatedProcess) {
    guard let index = process.traffic.indices.randomElement(using: &generator) else { return }
    switch process.traffic[index] {
    case .commit(let group, let completion):
      // Commits of one consumer keep their order; replies and publications need not.
      let isFirst = !process.traffic[..<index].contains { if case .commit = $0 { true } else { false } }
      guard isFirst else { return }
      let result =
        group.settlements.allSatisfy { $0.receipt.generation == process.ownedGeneration }
        ? queue.apply(group, process: process.number, now: now) : CommitResult.ownershipLost
      process.traffic[index] = .reply(result, completion)
    case .publication(let messages, let completion):
      var refused: [Int: BrokerError] = [:]
      for (index, message) in messages.enumerated() {
        if SimulatedQueue.isRefused(message) { refused[index] = SimulatedQueue.refusal } else { queue.add(message) }
      }
      process.traffic[index] = .reply(refused.isEmpty ? .applied : .refused(refused), completion)
    case .prefetch(let count):
      process.traffic.remove(at: index)
      process.prefetch = count
    case .reply(let result, let completion):
      process.traffic.remove(at: index)
      completion(result)
    }
  }

  private func passTime(_ active: [SimulatedProcess]) {
    let isBusy = active.contains { $0.executor.hasWaitingJobs || !$0.traffic.isEmpty }
    now += UInt64.random(in: 10_000...(isBusy ? 5_000_000 : 200_000_000), using: &generator)
    sleepers.wake(now: now)
    for process in active.shuffled(using: &generator) { _ = process.runner.tick(now: time) }
  }

  // MARK: Faults

  private func fail(_ process: SimulatedProcess) {
    faultsLeft -= 1
    switch Int.random(in: 0..<3, using: &generator) {
    case 0:
      faults.append("lease lost")
      process.ownedGeneration += 1
      queue.orphan(process: process.number)
    case 1: kill(process.number)
    default:
      guard process.isRunning else { return }
      faults.append("drain")
      process.drain(now: now)
    }
  }

  /// The process is gone between two instructions; what it held is taken over by others.
  func kill(_ number: Int) {
    let process = processes[number]
    guard !process.isDead else { return }
    faults.append("kill")
    process.life = .dead
    process.traffic = []
    queue.orphan(process: number)
    if !processes.contains(where: \.isActive) { startProcess() }
  }

  /// A drain that takes long is cancelled, then what remains is abandoned, as the host does.
  private func endDrains() {
    for process in processes {
      guard case .draining(let since) = process.life else { continue }
      if now > since + 300_000_000, !process.hasCancelled {
        process.hasCancelled = true
        process.runner.cancelAll()
      }
      if now > since + 2_300_000_000, !process.hasAbandoned {
        process.hasAbandoned = true
        process.runner.abandon()
      }
      if process.runner.hasDrained {
        process.life = .drained
        queue.close(process: process.number)
      }
    }
  }

  /// Lets every task end, so that nothing is left behind.
  private func cleanUp() {
    for process in processes { process.life = .dead }
    repeat {
      sleepers.wake(now: .max)
      for process in processes { while process.executor.runNext(choosing: { _ in 0 }) {} }
    } while !sleepers.isEmpty
  }

  // MARK: The function

  /// Notes a run and says what it does.
  private func begin(_ message: Incoming<String>, in process: Int) -> Operation {
    runs.append((message.id, message.attempt))
    return Operation(message.body, attempt: message.attempt)
  }

  /// What the function does for one message.
  private func perform(
    _ operation: Operation, in process: Int, _ context: FunctionContext
  ) throws -> Outgoing<String> {
    switch operation {
    case .success, .slow, .late, .stubborn: return Outgoing("done")
    case .refusedHere:
      try context.send("refuse", to: QueueName("own"))
      return Outgoing("done")
    case .refusedOutput: return Outgoing("refuse")
    case .failure: throw Scripted.failure
    case .deadLetter: throw Outcome.deadLetter("scripted")
    case .retryLater: throw Outcome.retry(after: .milliseconds(50))
    case .kill:
      kill(process)
      throw Scripted.failure
    case .hang: throw CancellationError()
    }
  }

  private func wait(for operation: Operation) async {
    switch operation {
    case .slow: await sleepers.sleep(until: now + 30_000_000, heedsCancellation: true)
    case .hang: await sleepers.sleep(until: .max, heedsCancellation: true)
    case .late: await sleepers.sleep(until: now + 1_000_000_000, heedsCancellation: false)
    case .stubborn: await sleepers.sleep(until: now + 10_000_000_000, heedsCancellation: false)
    default: break
    }
  }

  private enum Scripted: Error { case failure }

  private func count<Result>(in process: Int, _ body: () async throws -> Result) async rethrows -> Result {
    processes[process].running += 1
    defer { processes[process].running -= 1 }
    return try await body()
  }

  func function(of process: Int) -> Function {
    let codec = PayloadCodec<String>(
      contentType: .text,
      decode: { bytes in
        guard let text = bytes.string, text != "!" else { throw Scripted.failure }
        return text
      }, encode: { Bytes($0) })
    let input = QueueName("in", codec: codec)
    let output = QueueName<String>("out", connection: scenario.crossesBrokers ? "other" : nil)
    switch scenario.shape {
    case .direct:
      return Function("f", on: .queue(input), to: .queue(output)) { [unowned self] message, context in
        try perform(begin(message, in: process), in: process, context)
      }
    case .one:
      return Function("f", on: .queue(input), to: .queue(output)) { [unowned self] message, context in
        try await count(in: process) {
          let operation = begin(message, in: process)
          await wait(for: operation)
          return try perform(operation, in: process, context)
        }
      }
    case .batchResults:
      return Function("f", on: .queue(input, maxMessageBatchSize: 5), to: .queue(output)) {
        [unowned self] batch, context in
        await count(in: process) {
          await batch.results { message in
            let operation = begin(message, in: process)
            await wait(for: operation)
            return .success(try perform(operation, in: process, context))
          }
        }
      }
    case .batchWhole:
      return Function("f", on: .queue(input, maxMessageBatchSize: 5), to: .queue(output)) {
        [unowned self] batch, context in
        try await count(in: process) {
          var outputs: [Outgoing<String>] = []
          for message in batch {
            let operation = begin(message, in: process)
            await wait(for: operation)
            var output = try perform(operation, in: process, context)
            // A batch's own ids depend on how it was cut; stable ones must be given.
            output.messageID = "\(message.id)/f.0.0"
            outputs.append(output)
          }
          return outputs
        }
      }
    }
  }
}
