import Glibc
import Martlet

/// What the worker process does with its deliveries.
final class ConformancePlayer: DeliveryHandler {
  /// The attempts of a poisonous message; the runtime's rule beside it: a suspect beyond them is never run.
  static let maxAttempts = 3

  private struct State: Sendable {
    var held: [Delivery] = []
    var consumer: (any QueueConsumer)?
    var commits = 0
  }

  private let options: ConformanceWorker.Options
  private let state = Locked(State())

  init(_ options: ConformanceWorker.Options) { self.options = options }

  func begin(with consumer: any QueueConsumer) {
    state.withLock { $0.consumer = consumer }
    act()
  }

  func receive(_ deliveries: [Delivery]) {
    // Said before it can be committed: the suite reads the lines in their order.
    for delivery in deliveries {
      ConformanceWorker.say("got \(delivery.message.id) \(delivery.attempt) \(delivery.isSuspect)")
      state.withLock { $0.held.append(delivery) }
    }
    act()
  }

  func revoke(generationsBefore generation: UInt32) {
    ConformanceWorker.say("revoked")
    // A holder keeps what it holds: the suite wants to see that its commit is refused.
    if options.behaviour != .hold {
      state.withLock { $0.held.removeAll { $0.receipt.generation < generation } }
    }
  }

  func report(problem: BrokerError?) {
    if let problem { ConformanceWorker.say("problem \(problem)") }
  }

  private func act() {
    if options.behaviour == .hold { return }
    let (held, consumer) = state.withLock { state -> ([Delivery], (any QueueConsumer)?) in
      guard let consumer = state.consumer else { return ([], nil) }
      defer { state.held = [] }
      return (state.held, consumer)
    }
    guard let consumer, !held.isEmpty else { return }
    consumer.commit(group(of: held)) { ConformanceWorker.say("result \($0)") }
    guard options.behaviour == .pipeAndDie else { return }
    let commits = state.withLock { state in
      state.commits += 1
      return state.commits
    }
    // Somewhere between the hand-over and the answer, each time elsewhere.
    if commits == 10 {
      usleep(.random(in: 0...3000))
      kill(getpid(), SIGKILL)
    }
  }

  private func group(of deliveries: [Delivery]) -> CommitGroup {
    if options.behaviour != .poison { return .piping(deliveries, to: options.output ?? "") }
    var group = CommitGroup.piping(deliveries.filter { $0.message.body.string != "poison" }, to: options.output ?? "")
    for delivery in deliveries where delivery.message.body.string == "poison" {
      guard delivery.isSuspect && delivery.attempt > Self.maxAttempts else {
        ConformanceWorker.say("dies \(delivery.attempt)")
        kill(getpid(), SIGKILL)
        continue
      }
      let reason = DeadLetterReason(
        code: .attemptsExhausted, function: "conformance-worker", errorType: nil,
        errorText: "the process died \(delivery.attempt - 1) times", attempts: delivery.attempt - 1,
        source: .queue(options.queue))
      group.append(settlement: .deadLetter(delivery, reason), outputs: [])
    }
    return group
  }

  /// Returns when the standard input ends: the test is over, or dead.
  func obeyStandardInput() async {
    await withCheckedContinuation { continuation in
      NamedThread.start("commands") {
        while let line = readLine() {
          if line == "commit" { self.commitHeld() }
        }
        continuation.resume()
      }.detach()
    }
  }

  private func commitHeld() {
    let (held, consumer) = state.withLock { ($0.held, $0.consumer) }
    consumer?.commit(.piping(held, to: options.output ?? "")) { ConformanceWorker.say("result \($0)") }
  }
}
