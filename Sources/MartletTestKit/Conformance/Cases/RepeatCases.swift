import Martlet

extension BrokerConformance.Case {
  static let repeats = [
    refusedRepeat, repeatsInAGroup, repeatsAtOnce, severalIDs, rememberedOutcomes, rememberedWindow, forgottenQueue,
    rememberedByAll,
  ]

  static let refusedRepeat = Self(
    "a repeat of a message that came to its end is refused, and nothing of it applied", needs: [.memory]
  ) { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    let receiver = try await trial.receiver(broker, on: input, prefetch: 4)
    try await broker.publish([.text("a", to: input)])
    try await receiver.expectApplied(.remembering([try await receiver.one()], to: output))
    try await broker.publish(["a", "b"].map { .text($0, to: input) })
    let deliveries = try await receiver.next(2)
    try await expectRepeats([0], of: .remembering(deliveries, to: output), by: receiver)
    let outputs = try await trial.receiver(broker, on: output, prefetch: 9)
    try expectEqual(Set(try await outputs.next(2).ids), ["out-a", "out-b"], "the outputs")
    try await outputs.nothing(for: .milliseconds(200), because: "nothing of a repeat is published")
    // It is still ours; without its id it is let go.
    try await receiver.settle(.complete(deliveries[0].receipt))
    try await trial.becomesEmpty(input, on: broker)
  }

  static let repeatsInAGroup = Self("of messages of one id in one group the first has its effects", needs: [.memory]) {
    trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    let receiver = try await trial.receiver(broker, on: input, prefetch: 400)
    // Beside many others, so that a group is cut where it is cut.
    let ids = (0..<300).map { "m\($0 % 100)" }
    try await broker.publish(ids.map { .text($0, to: input) })
    let deliveries = try await receiver.next(300)
    var seen: Set<String> = []
    let repeated = deliveries.indices.filter { !seen.insert(deliveries[$0].message.id).inserted }
    try await expectRepeats(repeated, of: .remembering(deliveries, to: output), by: receiver)
    let outputs = try await trial.receiver(broker, on: output, prefetch: 400)
    try expectEqual(try await outputs.next(100).ids.sorted(), seen.map { "out-\($0)" }.sorted(), "the outputs")
    try await receiver.settle(repeated.map { .complete(deliveries[$0].receipt) })
    try await trial.becomesEmpty(input, on: broker)
    try await outputs.nothing(for: .milliseconds(200), because: "every id has its effects once")
  }

  static let repeatsAtOnce = Self(
    "of messages of one id that two consumers commit at once, one has its effects", needs: [.memory, .sharing]
  ) { trial in
    let (one, two) = (try await trial.broker("one"), try await trial.broker("two"))
    let (input, output) = (trial.queue("in"), trial.queue("out"))
    let receivers = [
      try await trial.receiver(one, on: input, prefetch: 20), try await trial.receiver(two, on: input, prefetch: 20),
    ]
    // Whoever gets which: there are forty places.
    try await one.publish((0..<40).map { .text("m\($0 / 2)", to: input) })
    var groups: [CommitGroup] = []
    for receiver in receivers { groups.append(.remembering(try await receiver.next(20), to: output)) }
    let answers = Observed<[CommitResult]>([])
    for (receiver, group) in zip(receivers, groups) {
      try receiver.begin(group) { result in answers.update { $0.append(result) } }
    }
    guard let results = await answers.wait(until: trial.deadline, { $0.count == 2 ? $0 : nil }) else {
      throw ConformanceFailure("two commits were not answered in time")
    }
    let refused = results.map { if case .refused(let errors) = $0 { errors.count } else { 0 } }
    try expectEqual(refused.reduce(0, +), 20, "the refused entries")
    let outputs = try await trial.receiver(one, on: output, prefetch: 99)
    try expectEqual(Set(try await outputs.next(20).ids), Set((0..<20).map { "out-m\($0)" }), "the outputs")
    try await outputs.nothing(for: .milliseconds(200), because: "every id has its effects once")
  }

  static let severalIDs = Self("an invocation of many messages is refused for one repeat", needs: [.memory]) { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    let receiver = try await trial.receiver(broker, on: input, prefetch: 9)
    try await broker.publish(["a", "b", "a", "c"].map { .text($0, to: input) })
    let deliveries = try await receiver.next(4)
    try await receiver.expectApplied(.remembering([deliveries[0]], to: output))
    var group = CommitGroup(deduplicate: .seconds(60))
    group.append(
      settlements: deliveries[1...].map { .complete($0.receipt) }, outputs: [.text("together", to: output)],
      remembering: Array(deliveries[1...].ids))
    try await expectRepeats([0], of: group, by: receiver)
    // And the others are not remembered for it.
    try await receiver.settle(.complete(deliveries[2].receipt))
    try await receiver.expectApplied(.remembering([deliveries[1], deliveries[3]], to: output))
    let outputs = try await trial.receiver(broker, on: output, prefetch: 9)
    try expectEqual(Set(try await outputs.next(3).ids), ["out-a", "out-b", "out-c"], "the outputs")
  }

  static let rememberedOutcomes = Self(
    "what is set aside is remembered with its id; what is without one is not", needs: [.memory]
  ) { trial in
    let (broker, input) = (try await trial.broker(), trial.queue("in"))
    let receiver = try await trial.receiver(broker, on: input, prefetch: 9)
    try await broker.publish(["dead", "again"].map { .text($0, to: input) })
    let deliveries = try await receiver.next(2)
    var group = CommitGroup(deduplicate: .seconds(60))
    group.append(
      settlement: .deadLetter(deliveries[0], .conformance(of: input)), outputs: [], remembering: "dead")
    group.append(settlement: .retry(deliveries[1], after: .zero), outputs: [])
    try await receiver.expectApplied(group)
    // The same delivery, tried again, is no repeat.
    let again = try await receiver.one()
    try expectEqual(again.attempt, 2, "the attempt")
    try await receiver.expectApplied(.remembering([again]))
    try await broker.publish(["dead", "again"].map { .text($0, to: input) })
    let copies = try await receiver.next(2)
    var repeats = CommitGroup(deduplicate: .seconds(60))
    for copy in copies {
      repeats.append(
        settlement: .deadLetter(copy, .conformance(of: input)), outputs: [], remembering: copy.message.id)
    }
    try await expectRepeats([0, 1], of: repeats, by: receiver)
    try await receiver.settle(copies.map { .complete($0.receipt) })
    try expectEqual(try await broker.deadLetters(of: input, limit: 9).map(\.message.id), ["dead"], "the dead letters")
    try await receiver.nothing(for: .milliseconds(100), because: "all have come to their end")
  }

  static let rememberedWindow = Self("an id is remembered for its window, not longer", needs: [.memory]) { trial in
    let (broker, input) = (try await trial.broker(), trial.queue("in"))
    let receiver = try await trial.receiver(broker, on: input, prefetch: 2)
    try await broker.publish(["a", "a"].map { .text($0, to: input) })
    let deliveries = try await receiver.next(2)
    let window = Duration.seconds(1)
    let begin = ContinuousClock.now
    try await receiver.expectApplied(.remembering([deliveries[0]], window: window))
    let committed = ContinuousClock.now
    try await trial.eventually("the id is forgotten") {
      if case .applied = try await receiver.commit(.remembering([deliveries[1]], window: window)) { return true }
      return false
    }
    // The store counts whole milliseconds, on a clock that may be adjusted meanwhile.
    let early = Duration.milliseconds(20)
    try expect(begin.duration(to: .now) >= window - early, "the id was forgotten before its window was over")
    try expect(
      committed.duration(to: .now) < window + trial.suite.promptness, "the id was remembered for longer than its window"
    )
    try await trial.becomesEmpty(input, on: broker)
  }

  static let forgottenQueue = Self("with a queue goes what it remembered", needs: [.memory]) { trial in
    let (broker, input) = (try await trial.broker(), trial.queue("in"))
    for _ in 0..<2 {
      let receiver = try await trial.receiver(broker, on: input, prefetch: 1)
      try await broker.publish([.text("a", to: input)])
      try await receiver.expectApplied(.remembering([try await receiver.one()]))
      await receiver.close()
      try await broker.delete(queue: input)
    }
  }

  static let rememberedByAll = Self("everybody can ask what a queue remembers", needs: [.memory]) { trial in
    let (broker, input) = (try await trial.broker(), trial.queue("in"))
    guard let store = try await trial.observer(of: broker) as? any Store else {
      throw ConformanceFailure("a broker that remembers ids should be a store")
    }
    let receiver = try await trial.receiver(broker, on: input, prefetch: 9)
    try await broker.publish(["a", "b"].map { .text($0, to: input) })
    let deliveries = try await receiver.next(2)
    try expectEqual(try await store.remembered(of: ["a", "b"], in: input), [], "what is remembered at first")
    try await receiver.expectApplied(.remembering([deliveries[0]]))
    try expectEqual(try await store.remembered(of: ["a", "b"], in: input), ["a"], "what is remembered")
    try expectEqual(try await store.remembered(of: ["a"], in: "\(input)@"), [], "what another scope remembers")
    try await store.remember(["b"], in: input, for: .seconds(60))
    try await expectRepeats([0], of: .remembering([deliveries[1]]), by: receiver)
  }

  private static func expectRepeats(_ entries: [Int], of group: CommitGroup, by receiver: Receiver) async throws {
    let result = try await receiver.commit(group)
    guard case .refused(let errors) = result else {
      throw ConformanceFailure("\(entries.count) repeats should be refused; the answer was \(result)")
    }
    try expectEqual(errors.keys.sorted(), entries, "the refused entries")
    try expect(errors.values.allSatisfy { $0.code == .repeated }, "repeats should be refused as such, not \(errors)")
  }
}

extension CommitGroup {
  /// As `piping`, and the ids are remembered.
  fileprivate static func remembering(
    _ deliveries: [Delivery], to outputs: String..., window: Duration = .seconds(60)
  ) -> CommitGroup {
    var group = CommitGroup(deduplicate: window)
    for delivery in deliveries {
      group.append(
        settlement: .complete(delivery.receipt), outputs: outputs.map { .text("out-\(delivery.message.id)", to: $0) },
        remembering: delivery.message.id)
    }
    return group
  }
}
