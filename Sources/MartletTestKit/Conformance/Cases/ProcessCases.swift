import Glibc
import Martlet

extension BrokerConformance.Case {
  static let processes = [killedReader, killedAgain, poison, killedInCommits, stoppedReader]

  static let killedReader = Self("what a killed reader held comes back, one suspect at a time", needs: [.worker]) {
    trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish((0..<5).map { .text("held\($0)", to: queue) })
    let worker = try await trial.worker(.hold, queue: queue, prefetch: 5)
    try await worker.expect(5, linesOf: "got", until: trial.deadline)
    worker.kill()
    try await broker.publish((0..<3).map { .text("fresh\($0)", to: queue) })
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 10)
    var attempts: [String: Int] = [:]
    while attempts.count < 8 {
      let delivery = try await receiver.one()
      let id = delivery.message.id
      try expect(attempts[id] == nil, "\(id) came twice to the new reader")
      try expectEqual(delivery.isSuspect, id.hasPrefix("held"), "whether \(id) is a suspect")
      attempts[id] = delivery.attempt
      // Held for a while, so that a second suspect would show.
      if attempts.count == 4 { await receiver.hold(.milliseconds(300)) }
      try await receiver.settle(.complete(delivery.receipt))
    }
    for (id, attempt) in attempts {
      try expectEqual(attempt, id.hasPrefix("held") ? 2 : 1, "the attempt of \(id)")
    }
    try expect(receiver.peakSuspects <= 1, "\(receiver.peakSuspects) suspects were handed out at the same time")
  }

  static let killedAgain = Self("each death of a reader counts one attempt", needs: [.worker]) { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish([.text("m1", to: queue)])
    for line in ["got m1 1 false", "got m1 2 true", "got m1 3 true"] {
      let worker = try await trial.worker(.hold, queue: queue, prefetch: 1)
      try await worker.expect(1, linesOf: line, until: trial.deadline)
      worker.kill()
    }
    let delivery = try await trial.receiver(broker, on: queue, prefetch: 1).one()
    try expectEqual(delivery.attempt, 4, "the attempt after three deaths")
  }

  static let poison = Self(
    "a message that kills its process reaches the dead letters, its neighbours do not", needs: [.worker]
  ) { trial in
    let (broker, queue, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish((0..<10).map { .text("m\($0)", to: queue, body: $0 == 4 ? "poison" : "good") })
    var deaths: [String] = []
    while deaths.count < 6 {
      let worker = try await trial.worker(.poison, queue: queue, output: output, prefetch: 10)
      try await trial.eventually("the worker dies, or the poisonous message is dead") {
        if !worker.isRunning { return true }
        return try await broker.counts(of: queue).dead == 1
      }
      if worker.isRunning { break }
      deaths += worker.said.filter { $0.hasPrefix("dies") }
    }
    try expectEqual(deaths, ["dies 1", "dies 2", "dies 3"], "the deaths, with their attempts")
    let neighbours = (0..<10).filter { $0 != 4 }.map { "out-m\($0)" }
    try await trial.expectOutputs(neighbours, in: output, of: broker)
    try await trial.eventually("only the dead letter is left") {
      try await trial.counts(of: queue, on: broker) == QueueCounts(dead: 1)
    }
    let dead = try await broker.deadLetters(of: queue, limit: 20)
    try expectEqual(dead.map(\.message.id), ["m4"], "the dead letters")
    try expectEqual(dead[0].reason.attempts, ConformancePlayer.maxAttempts, "the attempts of the dead letter")
  }

  static let killedInCommits = Self("outputs are durable before their input is settled", needs: [.worker]) { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    for start in stride(from: 0, to: 1000, by: 250) {
      try await broker.publish((start..<start + 250).map { .text("m\($0)", to: input) })
    }
    try await broker.declare(QueueDeclaration(name: output))
    for _ in 0..<3 {
      let worker = try await trial.worker(.pipeAndDie, queue: input, output: output, prefetch: 10)
      let code = await worker.end(until: trial.deadline)
      try expectEqual(code, 128 + SIGKILL, "the exit code of a worker that kills itself in its tenth commit")
    }
    let worker = try await trial.worker(.pipe, queue: input, output: output, prefetch: 10)
    let ids = (0..<1000).map { "out-m\($0)" }
    try await trial.expectOutputs(ids, in: output, of: broker, emptying: input)
    worker.kill()
  }

  static let stoppedReader = Self("a reader that slept past its lease can do no harm", needs: [.worker]) { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish((0..<3).map { .text("m\($0)", to: input) })
    let worker = try await trial.worker(.hold, queue: input, output: output, prefetch: 3)
    try await worker.expect(3, linesOf: "got", until: trial.deadline)
    try await worker.pause()
    let receiver = try await trial.receiver(broker, on: input, prefetch: 3)
    for _ in 0..<3 {
      let delivery = try await receiver.one()
      try expect(delivery.isSuspect, "what a silent reader held is a suspect")
      try await receiver.expectApplied(.piping([delivery], to: output))
    }
    worker.tell("commit")
    worker.resume()
    guard let result = await worker.next(where: { $0.hasPrefix("result") }, until: trial.deadline) else {
      throw ConformanceFailure("the woken reader's commit was not answered; it said: \(worker.said)")
    }
    try expectEqual(result, "result ownershipLost", "the answer to the commit of the woken reader")
    try await trial.expectOutputs((0..<3).map { "out-m\($0)" }, in: output, of: broker)
    try await receiver.nothing(for: .milliseconds(300), because: "every input is completed")
    worker.kill()
    try await trial.becomesEmpty(input, on: broker)
  }
}

extension Receiver {
  /// Lets time pass while deliveries may come.
  func hold(_ time: Duration) async { try? await Task.sleep(for: time) }
}

extension WorkerProcess {
  /// Waits until it has written so many lines that begin so.
  func expect(_ count: Int, linesOf prefix: String, until deadline: ContinuousClock.Instant) async throws {
    guard await next(count, where: { $0.hasPrefix(prefix) }, until: deadline) else {
      throw ConformanceFailure("the worker should say \"\(prefix)\" \(count) times; it said: \(said.suffix(20))")
    }
  }
}
