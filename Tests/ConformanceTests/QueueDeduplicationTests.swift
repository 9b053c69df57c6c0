import Foundation
import Martlet
import Testing

@testable import MartletTestKit

/// Repeats of messages, as senders without an atomic commit make them, in an app on every broker.
struct QueueDeduplicationTests {
  /// The queues of one app: what is sent to `input` comes out of `output`, once.
  private struct Pipe {
    let input: QueueName<String>
    let output: QueueName<String>

    /// With queues that nobody else has, which are deleted afterwards.
    static func run(_ broker: AppBroker, _ body: (Pipe, HostConfiguration) async throws -> Void) async throws {
      try await broker.run { name, configuration in
        let pipe = Pipe(input: QueueName("\(name)-in"), output: QueueName("\(name)-out"))
        let result: Result<Void, any Error>
        do { result = .success(try await body(pipe, configuration)) } catch { result = .failure(error) }
        try await broker.withLog(of: configuration) { log in
          let administration = try #require(log as? any BrokerAdministration)
          for queue in [pipe.input, pipe.output] { try await administration.delete(queue: queue.address.name) }
        }
        try result.get()
      }
    }

    func send(_ ids: [String], on host: FunctionHost) async throws {
      try await #require(host.broker()).publish(
        ids.map { OutgoingMessage(to: input.address, body: Bytes($0), id: $0, contentType: .text) })
    }

    /// Waits until every message has its outcome: as an output, as a repeat, or among the dead letters. RabbitMQ does not
    /// tell what is held, so that nothing waits is not enough.
    /// - Parameters:
    ///   - messages: how many those are.
    ///   - others: further hosts that may have dropped repeats.
    func finish(_ host: FunctionHost, messages: Int? = nil, others: [FunctionHost] = []) async throws
      -> (outputs: Int, dead: Int)
    {
      let broker = try #require(host.broker() as? any BrokerAdministration)
      if let messages {
        try await eventually("\(messages) messages have an outcome") {
          let repeated = ([host] + others).compactMap { $0.messageCounts(of: "once")?.repeated }.reduce(0, +)
          let outputs = try await broker.counts(of: output.address.name).ready
          let dead = try await broker.counts(of: input.address.name).dead
          return outputs + repeated + dead >= messages
        }
      }
      try await eventually("nothing waits") {
        let counts = try await broker.counts(of: input.address.name)
        return counts.ready + counts.unsettled + counts.delayed == 0
      }
      // A broker may count a moment late.
      var last = -1
      try await eventually("the outputs are counted") {
        let count = try await broker.counts(of: output.address.name).ready
        defer { last = count }
        return count == last
      }
      return (last, try await broker.counts(of: input.address.name).dead)
    }
  }

  @Test(arguments: AppBroker.installed, [false, true])
  func `repeats of a message are dropped, also by the next process`(broker: AppBroker, isBatch: Bool) async throws {
    try await Pipe.run(broker) { pipe, configuration in
      let ran = Observed<[String: Int]>([:])
      let app = FunctionApp("repeats") {
        if isBatch {
          Function(
            "once", on: .queue(pipe.input, maxMessageBatchSize: 16, deduplicate: .seconds(600)), to: .queue(pipe.output)
          ) { batch, _ in
            ran.update { for message in batch { $0[message.id, default: 0] += 1 } }
            return batch.map(\.body)
          }
        } else {
          Function("once", on: .queue(pipe.input, deduplicate: .seconds(600)), to: .queue(pipe.output)) { message, _ in
            ran.update { $0[message.id, default: 0] += 1 }
            return message.body
          }
        }
      }
      let ids = (0..<100).map { "m\($0)" }
      try await app.run(configuration) { host in
        // Beside each other, and one pass behind the other.
        try await pipe.send(ids.flatMap { [$0, $0] }, on: host)
        try await pipe.send(ids, on: host)
        #expect(try await pipe.finish(host, messages: 300).outputs == 100)
        #expect(host.messageCounts(of: "Once")?.repeated == 200)
      }
      try await app.run(configuration) { host in
        try await pipe.send(ids + ["new"], on: host)
        // The outputs of the first process are counted too.
        #expect(try await pipe.finish(host, messages: 201).outputs == 101)
        #expect(try #require(host.messageCounts(of: "once")).repeated == 100)
      }
      #expect(ran.value.count == 101)
      #expect(ran.value.values.allSatisfy { $0 == 1 })
    }
  }

  @Test(arguments: AppBroker.installed) func `behind the window a repeat runs again`(broker: AppBroker) async throws {
    try await Pipe.run(broker) { pipe, configuration in
      let runs = Observed<[ContinuousClock.Instant]>([])
      let app = FunctionApp("repeats") {
        Function("once", on: .queue(pipe.input, deduplicate: .seconds(1))) { _, _ in runs.update { $0.append(.now) } }
      }
      try await app.run(configuration) { host in
        var copies = 0
        try await eventually("a repeat runs again") {
          try await pipe.send(["a"], on: host)
          copies += 1
          return runs.value.count > 1
        }
        _ = try await pipe.finish(host)
        #expect(copies > 1)
        #expect(try #require(host.messageCounts(of: "once")).repeated >= copies - runs.value.count)
      }
      #expect(runs.value[0].duration(to: runs.value[1]) >= .milliseconds(950))
    }
  }

  @Test(arguments: AppBroker.installed)
  func `what was set aside is not set aside again, what failed is tried again`(broker: AppBroker) async throws {
    try await Pipe.run(broker) { pipe, configuration in
      let ran = Observed<[String: [Int]]>([:])
      let app = FunctionApp("repeats") {
        Function("once", on: .queue(pipe.input, deduplicate: .seconds(600)), to: .queue(pipe.output)) { message, _ in
          ran.update { $0[message.id, default: []].append(message.attempt) }
          if message.id == "bad" { throw Outcome.deadLetter("no such customer") }
          if message.id == "late", message.attempt < 3 { throw Outcome.retry(after: .milliseconds(100)) }
          return message.body
        }
      }
      try await app.run(configuration) { host in
        try await pipe.send(["bad", "late", "bad", "good", "bad"], on: host)
        // RabbitMQ does not count what is delayed.
        try await ran.until("the third attempt") { $0["late"]?.count == 3 }
        var found = try await pipe.finish(host, messages: 5)
        #expect(found.outputs == 2)
        #expect(found.dead == 1)
        try await pipe.send(["late", "bad"], on: host)
        found = try await pipe.finish(host, messages: 7)
        #expect(found.outputs == 2)
        #expect(found.dead == 1)
        #expect(host.messageCounts(of: "once")?.repeated == 4)
      }
      #expect(ran.value == ["bad": [1], "late": [1, 2, 3], "good": [1]])
    }
  }

  @Test(arguments: AppBroker.installed)
  func `of messages of one id that two processes run at once one has its effects`(broker: AppBroker) async throws {
    try await Pipe.run(broker) { pipe, configuration in
      let running = Observed<Set<Int>>([])
      func app(_ number: Int) -> FunctionApp {
        FunctionApp("repeats") {
          Function(
            "once", on: .queue(pipe.input, maxConcurrentCalls: 1, prefetchCount: 1, deduplicate: .seconds(600)),
            to: .queue(pipe.output)
          ) { message, _ in
            running.update { _ = $0.insert(number) }
            try await running.until("both run") { $0.count == 2 }
            return message.body
          }
        }
      }
      try await app(1).run(configuration) { first in
        try await app(2).run(configuration) { second in
          try await pipe.send(["a", "a"], on: first)
          let found = try await pipe.finish(first, messages: 2, others: [second])
          if broker == .rabbitMQ {
            // There are no commits that hold both: then the outputs have one id.
            #expect(1...2 ~= found.outputs)
          } else {
            #expect(found.outputs == 1)
            let counts = [first, second].compactMap { $0.messageCounts(of: "once")?.repeated }
            #expect(counts.reduce(0, +) == 1)
          }
          // It is remembered by both.
          try await pipe.send(["a", "a", "a"], on: first)
          #expect(try await pipe.finish(second, messages: 5, others: [first]).outputs == found.outputs)
        }
      }
    }
  }

  @Test(arguments: AppBroker.installed)
  func `a batch runs again without a message that another process was faster with`(broker: AppBroker) async throws {
    try await Pipe.run(broker) { pipe, configuration in
      let batches = Observed<[[String]]>([])
      let isOver = Observed(false)
      let app = FunctionApp("repeats") {
        Function(
          "once",
          on: .queue(
            pipe.input, maxMessageBatchSize: 3, minMessageBatchSize: 3, maxBatchWaitTime: .milliseconds(500),
            deduplicate: .seconds(600)), to: .queue(pipe.output)
        ) { batch, _ in
          batches.update { $0.append(batch.map(\.id).sorted()) }
          try await isOver.until("the other one has committed") { $0 }
          return batch.map(\.body).joined()
        }
      }
      try await app.run(configuration) { host in
        try await pipe.send(["a", "b", "c"], on: host)
        try await batches.until("the batch runs") { $0.count == 1 }
        // What another process would have done.
        let store = try #require(host.store(of: pipe.input.address))
        let name = pipe.input.address.name
        try await store.remember(["b"], in: broker == .rabbitMQ ? "\(name)@" : name, for: .seconds(600))
        isOver.update { $0 = true }
        #expect(try await pipe.finish(host, messages: 2).outputs == 1)
        #expect(host.messageCounts(of: "once")?.repeated == 1)
      }
      #expect(batches.value == [["a", "b", "c"], ["a", "c"]])
    }
  }

  @Test(.enabled(if: AppBroker.installed.contains(.rabbitMQ)))
  func `RabbitMQ without a store is a mistake that names the setting`() async throws {
    try await Pipe.run(.rabbitMQ) { pipe, configuration in
      let app = FunctionApp("repeats") {
        Function("once", on: .queue(pipe.input, deduplicate: .seconds(600))) { _, _ in }
      }
      var alone = configuration
      alone.store = nil
      let error = await #expect(throws: ConfigurationError.self) { _ = try await app.start(alone) }
      let problem =
        "function \"once\", \(pipe.input.address): rabbitmq cannot remember the ids of messages, as deduplicate needs; set MARTLET_STORE to embedded:PATH or redis://host, or leave deduplicate out"
      #expect(error?.problems.map(\.description) == [problem])
    }
  }
}
