import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct EngineTests {
  @Test func aMissingQueueIsReportedAndFound() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    await #expect(throws: BrokerError.self) { try await broker.declare(QueueDeclaration(name: "in", mode: .verify)) }
    let (_, inbox) = try await broker.read("in", mode: .verify)
    #expect(inbox.problems.map { $0?.code } == [.notFound])
    await #expect(throws: BrokerError.self) { try await broker.send("a", to: "in") }
    try await broker.declare(QueueDeclaration(name: "in"))
    try await broker.send("b", to: "in")
    #expect(try await inbox.next().map(\.message.id) == ["b"])
    #expect(inbox.problems.count == 2 && inbox.problems[1] == nil)
    await broker.shut()
  }

  @Test func refusesWhatCannotBeSentAndTakesTheRest() async throws {
    let broker = try await EmbeddedBroker.open(nil, maxMessageBytes: 10)
    let messages = [
      OutgoingMessage(to: .queue("q"), body: [1], id: "a"),
      OutgoingMessage(to: .queue("q"), body: Bytes(Array(repeating: 1, count: 11)), id: "b"),
      OutgoingMessage(to: .queue("ü"), body: [1], id: "c"),
      OutgoingMessage(to: Address(.topic, "t"), body: [1], id: "d"),
    ]
    let result = await withCheckedContinuation { continuation in
      broker.publish(messages) { continuation.resume(returning: $0) }
    }
    #expect(result.errors.mapValues(\.code) == [1: .tooLarge, 2: .configuration, 3: .configuration])
    #expect(result.errors.values.allSatisfy { !$0.isRetriable })
    #expect(try await broker.counts(of: "q") == QueueCounts(ready: 1))
    await broker.shut()
  }

  @Test func aDeletedQueueIsMadeAgainForItsReader() async throws {
    let scratch = try Scratch()
    let (one, two) = (try await EmbeddedBroker.open(scratch.path), try await EmbeddedBroker.open(scratch.path))
    for deleter in [one, two] {
      let (consumer, inbox) = try await one.read("in", prefetch: 2)
      try await one.send("a", "b", to: "in")
      let held = try await inbox.next(2)
      try await deleter.delete(queue: "in")
      #expect(try await one.counts(of: "in") == QueueCounts())
      // Sent to the new queue of that name; the reader learns that its own is gone when it has room.
      try await two.send("c", to: "in")
      _ = await consumer.complete([held[0]])
      #expect(try await inbox.next().map(\.message.id) == ["c"])
      #expect(await consumer.complete([held[1]]).isLost)
      await consumer.close(deadline: .now + .seconds(30))
      try await one.delete(queue: "in")
    }
    await one.shut()
    await two.shut()
  }

  @Test func everythingIsAnsweredAfterTheEnd() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let (consumer, _) = try await broker.read("in")
    await broker.shut()
    await broker.shut()
    await #expect(throws: BrokerError.self) { try await broker.send("a", to: "in") }
    await #expect(throws: BrokerError.self) { try await broker.start(deadline: .now + .seconds(1)) }
    await #expect(throws: BrokerError.self) { _ = try await broker.counts(of: "in") }
    await #expect(throws: BrokerError.self) { _ = try await broker.read("in") }
    #expect(await consumer.settle(outputs: [OutgoingMessage(to: .queue("q"), body: [], id: "a")]).isLost)
    await consumer.close(deadline: .now + .seconds(30))
  }

  @Test func finishesWhatWasHandedInBeforeItCloses() async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path)
    let results = Gathered<Bool>()
    for index in 0..<200 {
      broker.publish([OutgoingMessage(to: .queue("q"), body: [], id: "\(index)")]) { results.add($0.isApplied) }
    }
    await broker.shut()
    #expect(results.all == Array(repeating: true, count: 200))
    let again = try await EmbeddedBroker.open(scratch.path)
    #expect(try await again.counts(of: "q") == QueueCounts(ready: 200))
    await again.shut()
  }

  @Test func aMixedGroupLosesOnlyWhatIsStale() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let (consumer, inbox) = try await broker.read("in", prefetch: 4)
    try await broker.send("a", "b", to: "in")
    let old = try await inbox.next(2)
    await withCheckedContinuation { continuation in
      broker.inbox.send(
        .perform { engine in
          // As another process would, after this one was silent for a lease.
          if let store = engine.store, let instance = engine.instance {
            try? store.begin(isDurable: true)
            try? store.takeOver(instance)
            _ = try? store.commit()
          }
          continuation.resume()
        })
    }
    try await broker.send("c", to: "in")
    try await inbox.wait { $0.revoked == 2 && $0.all.count >= 4 }
    let new = try await inbox.next(2)
    #expect(Set(new.ids) == ["a", "c"])
    #expect(new.filter(\.isSuspect).map(\.attempt) == [2])
    var group = CommitGroup()
    group.append(
      settlement: .complete(old[1].receipt), outputs: [OutgoingMessage(to: .queue("out"), body: [], id: "x")])
    for delivery in new { group.append(settlement: .complete(delivery.receipt), outputs: []) }
    let result = await consumer.commit(group)
    #expect(result.errors.mapValues(\.code) == [0: .closed])
    #expect(await consumer.complete(old).isLost)
    let last = try await inbox.next()
    #expect(last.ids == ["b"])
    #expect(await consumer.complete(last).isApplied)
    #expect(try await broker.counts(of: "in") == QueueCounts())
    #expect(try await broker.counts(of: "out") == QueueCounts())
    await broker.shut()
  }

  @Test func aMessageSettledTwiceIsSettledOnce() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let (consumer, inbox) = try await broker.read("in", prefetch: 1)
    try await broker.send("a", "b", "c", to: "in")
    let first = try await inbox.next()[0]
    #expect(await consumer.settle(.complete(first.receipt), .retry(first, after: .zero), .release(first)).isApplied)
    let second = try await inbox.next()
    #expect(second.ids == ["b"])
    #expect(await consumer.complete([first]).isApplied)
    #expect(try await broker.counts(of: "in") == QueueCounts(ready: 1, unsettled: 1))
    await broker.shut()
  }

  @Test func twoBrokersShareAFileFairly() async throws {
    let scratch = try Scratch()
    let (one, two) = (try await EmbeddedBroker.open(scratch.path), try await EmbeddedBroker.open(scratch.file))
    let (first, firstInbox) = try await one.read("in", prefetch: 5)
    let (second, secondInbox) = try await two.read("in", prefetch: 5)
    try await two.send("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", to: "in")
    let (left, right) = (try await firstInbox.next(5), try await secondInbox.next(5))
    #expect(Set(left.ids + right.ids).count == 10)
    #expect(await first.complete(left).isApplied)
    #expect(await second.complete(right).isApplied)
    #expect(try await one.counts(of: "in") == QueueCounts())
    await one.shut()
    await two.shut()
  }

  @Test func brokersOfAFileWakeEachOther() async throws {
    let scratch = try Scratch()
    let (one, two) = (try await EmbeddedBroker.open(scratch.path), try await EmbeddedBroker.open(scratch.path))
    let (consumer, inbox) = try await one.read("in")
    let start = ContinuousClock.now
    for index in 0..<40 {
      try await two.send("\(index)", to: "in")
      #expect(await consumer.complete(try await inbox.next()).isApplied)
    }
    // By the look of each second alone it takes 40 s.
    #expect(ContinuousClock.now - start < .seconds(20))
    await one.shut()
    await two.shut()
  }

  @Test func aGivenUpLeaseIsTakenAtOnce() async throws {
    let scratch = try Scratch()
    let one = try await EmbeddedBroker.open(scratch.path, lease: .seconds(600))
    let two = try await EmbeddedBroker.open(scratch.path, lease: .seconds(600))
    let (_, firstInbox) = try await one.read("in")
    try await one.send("a", "b", to: "in")
    _ = try await firstInbox.next(2)
    let (_, secondInbox) = try await two.read("in")
    await one.shut()
    let again = try await secondInbox.next(2)
    #expect(again.ids == ["a", "b"])
    #expect(again.allSatisfy { !$0.isSuspect && $0.attempt == 1 })
    await two.shut()
  }

  @Test func manyQueuesInOneProcess() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let inbox = Inbox()
    var consumers: [any QueueConsumer] = []
    for index in 0..<300 {
      let subscription = QueueSubscription(
        queue: QueueDeclaration(name: "q\(index)"), function: "f", prefetch: 2)
      consumers.append(try await broker.consume(subscription, handler: inbox))
    }
    for round in 0..<3 {
      try await broker.publish(
        (0..<300).map { OutgoingMessage(to: .queue("q\($0)"), body: Bytes("\($0)"), id: "\(round).\($0)") })
      for delivery in try await inbox.next(300) {
        let index = try #require(Int(delivery.message.body.string ?? ""))
        #expect(await consumers[index].complete([delivery]).isApplied)
      }
    }
    #expect(try await broker.counts(of: "q7") == QueueCounts())
    await broker.shut()
  }
}
