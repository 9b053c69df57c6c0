import Martlet

extension BrokerConformance.Case {
  static let commits = [
    commitMoves, bigGroup, emptyEntries, severalInputs, commitsInOrder, refusedEntry, outputProperties,
    appliedIsDurable,
  ]

  static let commitMoves = Self("a commit completes its input and publishes its outputs") { trial in
    let (broker, input) = (try await trial.broker(), trial.queue("in"))
    let (left, right) = (trial.queue("left"), trial.queue("right"))
    try await broker.publish([.text("m1", to: input)])
    let receiver = try await trial.receiver(broker, on: input, prefetch: 1)
    try await receiver.expectApplied(.piping([try await receiver.one()], to: left, right))
    for output in [left, right] {
      let delivery = try await trial.receiver(broker, on: output, prefetch: 1).one()
      try expectEqual(delivery.message.id, "out-m1", "the output in \(output)")
    }
    try await receiver.nothing(for: .milliseconds(200), because: "the input is completed")
  }

  static let appliedIsDurable = Self("what a commit answered as applied can be seen by everybody") { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    let observer = try await trial.observer(of: broker)
    try await broker.publish((0..<20).map { .text("m\($0)", to: input) })
    let receiver = try await trial.receiver(broker, on: input, prefetch: 20)
    for count in 1...20 {
      try await receiver.expectApplied(.piping([try await receiver.one()], to: output))
      // A broker may count a moment late; it must not lose.
      try await trial.eventually("\(count) outputs can be seen") {
        try await observer.counts(of: output).ready == count
      }
    }
    try await trial.becomesEmpty(input, on: observer)
  }

  static let bigGroup = Self("a group of 200 invocations is applied, each output once") { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish((0..<200).map { .text("m\($0)", to: input) })
    let receiver = try await trial.receiver(broker, on: input, prefetch: 200)
    try await receiver.expectApplied(.piping(try await receiver.next(200), to: output))
    let outputs = try await trial.receiver(broker, on: output, prefetch: 300)
    try expectEqual(Set(try await outputs.next(200).ids), Set((0..<200).map { "out-m\($0)" }), "the outputs")
    try await outputs.nothing(for: .milliseconds(200), because: "every output is published once")
  }

  static let emptyEntries = Self("invocations without inputs or without outputs are applied too") { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish([.text("m1", to: input)])
    let receiver = try await trial.receiver(broker, on: input, prefetch: 1)
    var group = CommitGroup()
    group.append(settlements: [], outputs: [.text("only-output", to: output)])
    group.append(settlement: .complete(try await receiver.one().receipt), outputs: [])
    group.append(settlements: [], outputs: [])
    try await receiver.expectApplied(group)
    try await receiver.expectApplied(CommitGroup())
    let outputs = try await trial.receiver(broker, on: output, prefetch: 1)
    try expectEqual(try await outputs.one().message.id, "only-output", "the output")
  }

  static let severalInputs = Self("one invocation may settle many inputs, each in its own way") { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish(["done", "again", "dead", "back"].map { .text($0, to: input) })
    let receiver = try await trial.receiver(broker, on: input, prefetch: 4)
    var group = CommitGroup()
    let settlements = try await receiver.next(4).map { delivery -> Settlement in
      switch delivery.message.id {
      case "done": .complete(delivery.receipt)
      case "again": .retry(delivery, after: .zero)
      case "dead": .deadLetter(delivery, .conformance(of: input))
      default: .release(delivery)
      }
    }
    group.append(settlements: settlements, outputs: [.text("out", to: output)])
    try await receiver.expectApplied(group)
    let rest = try await receiver.next(2)
    try expectEqual(
      Dictionary(uniqueKeysWithValues: rest.map { ($0.message.id, $0.attempt) }), ["again": 2, "back": 1],
      "what comes back, with its attempt")
    try await receiver.settle(rest.map { .complete($0.receipt) })
    try expectEqual(try await broker.deadLetters(of: input, limit: 9).map(\.message.id), ["dead"], "the dead letters")
    try expectEqual(
      try await trial.receiver(broker, on: output, prefetch: 1).one().message.id, "out", "the output")
  }

  static let commitsInOrder = Self("groups handed in together are applied in order, and all answered") { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish((0..<300).map { .text("m\($0)", to: input) })
    let receiver = try await trial.receiver(broker, on: input, prefetch: 300)
    let deliveries = try await receiver.next(300)
    let answers = Observed<[Int]>([])
    for (index, delivery) in deliveries.enumerated() {
      try receiver.begin(.piping([delivery], to: output)) { result in
        if case .applied = result { answers.update { $0.append(index) } }
      }
    }
    let order = await answers.wait(until: trial.deadline) { $0.count == 300 ? $0 : nil }
    try expect(order != nil, "300 groups should be applied; \(answers.value.count) were")
    try expectEqual(order ?? [], Array(0..<300), "the order of the answers")
    let outputs = try await trial.receiver(broker, on: output, prefetch: 400)
    try expectEqual(try await outputs.next(300).ids, deliveries.map { "out-\($0.message.id)" }, "the outputs, in order")
  }

  static let refusedEntry = Self("an invocation that cannot be applied does not harm its neighbours") { trial in
    let broker = try await trial.broker { $0.maxMessageBytes = 1000 }
    let (input, output) = (trial.queue("in"), trial.queue("out"))
    try await broker.publish((0..<5).map { .text("m\($0)", to: input) })
    let receiver = try await trial.receiver(broker, on: input, prefetch: 5)
    let deliveries = try await receiver.next(5)
    var group = CommitGroup()
    for (index, delivery) in deliveries.enumerated() {
      let body = Bytes(Array(repeating: 1, count: index == 2 ? 1001 : 10))
      group.append(
        settlement: .complete(delivery.receipt),
        outputs: [
          .text("first-\(index)", to: output),
          OutgoingMessage(to: .queue(output), body: body, id: "second-\(index)"),
        ])
    }
    guard case .refused(let errors) = try await receiver.commit(group) else {
      throw ConformanceFailure("an output above the limit should be refused")
    }
    try expectEqual(errors.mapValues(\.code), [2: .tooLarge], "the refused entries")
    let outputs = try await trial.receiver(broker, on: output, prefetch: 20)
    let expected = [0, 1, 3, 4].flatMap { ["first-\($0)", "second-\($0)"] }
    try expectEqual(Set(try await outputs.next(8).ids), Set(expected), "the outputs")
    try await outputs.nothing(for: .milliseconds(200), because: "nothing of the refused invocation is published")
    // It is still ours: the runtime decides what becomes of it.
    try await receiver.settle(.deadLetter(deliveries[2], .conformance(of: input)))
    try expectEqual(
      try await broker.deadLetters(of: input, limit: 9).map(\.message.id), [deliveries[2].message.id],
      "the dead letters")
  }

  static let outputProperties = Self("outputs of a commit carry everything that published messages carry") { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish([.text("m1", to: input)])
    let receiver = try await trial.receiver(broker, on: input, prefetch: 1)
    let trace = TraceContext.start()
    let sent = OutgoingMessage(
      to: .queue(output), body: Bytes([0, 255, 13, 10]), id: "out", contentType: .bytes, key: "k",
      headers: ["a": "1"], trace: trace, timeToLive: .seconds(600))
    var group = CommitGroup()
    group.append(settlement: .complete(try await receiver.one().receipt), outputs: [sent])
    try await receiver.expectApplied(group)
    let message = try await trial.receiver(broker, on: output, prefetch: 1).one().message
    try expectEqual(message.body, sent.body, "the body")
    try expectEqual(message.contentType, .bytes, "the content type")
    try expectEqual(message.key, "k", "the key")
    try expectEqual(message.headers["a"]?.text, "1", "the header")
    try expectEqual(message.trace, trace, "the trace context")
    try expect(message.expiresAt != nil, "the end of its time to live is missing")
  }
}
