import MartletCore
import Testing

@testable import MartletRuntime

// Every form in which users write functions of batches and events, without a type in the closure. That this file
// compiles is most of the test.

private func work(_ number: Int) async throws {}
private func quick(_ number: Int) throws {}

extension HubName<Int> {
  fileprivate static let hub: Self = "hub"
  fileprivate static let other: Self = "other"
}
extension QueueName<Int> { fileprivate static let queue: Self = "queue" }
extension QueueName<String> { fileprivate static let names: Self = "names" }

struct FunctionFormsTests {
  @FunctionBuilder private static var plain: [Function] {
    Function("empty", on: .eventHub(.hub)) { batch, context in }
    Function("ignores", on: .eventHub(.hub)) { _, _ in }
    Function("sync", on: .eventHub(.hub)) { batch, context in try quick(batch.count) }
    Function("async", on: .eventHub(.hub)) { batch, context in try await work(batch.count) }
    Function("sync-two", on: .eventHub(.hub)) { batch, context in
      let sum = batch.reduce(0) { $0 + $1.body }
      try quick(sum)
    }
    Function("async-two", on: .eventHub(.hub)) { batch, context in
      let sum = batch.reduce(0) { $0 + $1.body }
      try await work(sum)
    }
    Function("async-loop", on: .eventHub(.hub)) { batch, context in
      for event in batch { try await work(event.body) }
    }
    Function("sync-loop", on: .eventHub(.hub)) { batch, context in
      for event in batch { try quick(event.body) }
      context.logger.information("done")
    }
    Function("throwing-loop", on: .eventHub(.hub)) { batch, context in
      for event in batch {
        guard event.body > 0 else { throw Outcome.deadLetter("x") }
        try await work(event.body)
      }
      context.logger.information("done")
    }
    Function("early-return", on: .eventHub(.hub)) { batch, context in
      guard !batch.isEmpty else { return }
      try await work(batch.count)
      context.logger.information("done")
    }
    Function("yields", on: .eventHub(.hub)) { batch, context in
      await Task.yield()
      context.logger.information("done")
    }
  }

  @FunctionBuilder private static var outputs: [Function] {
    Function("d1", on: .eventHub(.hub), to: .eventHub(.other)) { batch, context in
      batch.map { Outgoing($0.body, key: $0.key) }
    }
    Function("d2", on: .eventHub(.hub), to: .eventHub(.other)) { batch, context in
      context.logger.information("x")
      return batch.map { Outgoing($0.body, key: $0.key) }
    }
    Function("d3", on: .eventHub(.hub), to: .eventHub(.other)) { batch, context in
      try await work(1)
      return batch.map { Outgoing($0.body, key: $0.key) }
    }
    Function("d4", on: .eventHub(.hub), to: .queue(.queue), .eventHub(.other)) { batch, context in
      try await work(1)
      return (batch.count, batch.map(\.body))
    }
    Function("d5", on: .eventHub(.hub), to: .queue(.names)) { batch, context in
      try await work(1)
      return batch.count > 1 ? "many" : nil
    }
  }

  @FunctionBuilder private static var singles: [Function] {
    Function("e1", on: .event(of: .hub)) { event, context in }
    Function("e2", on: .event(of: .hub)) { event, context in try await work(event.body) }
    Function("e3", on: .event(of: .hub)) { event, context in
      try await work(event.body)
      context.logger.information("x")
    }
    Function("e4", on: .event(of: .hub), to: .queue(.queue)) { event, context in event.body }
    Function("e5", on: .event(of: .hub), to: .queue(.queue)) { event, context in
      try await work(event.body)
      return event.body
    }
  }

  @FunctionBuilder private static var states: [Function] {
    Function("s1", on: .event(of: .hub), state: .keyed(Int.self)) { event, sum, context in
      sum = (sum ?? 0) + event.body
    }
    Function("s2", on: .event(of: .hub), state: .keyed(Int.self)) { event, sum, context in
      try await work(event.body)
      sum = (sum ?? 0) + event.body
    }
    Function("s3", on: .event(of: .hub), state: .keyed(Int.self), to: .queue(.queue)) { event, sum, context in
      try await work(event.body)
      sum = (sum ?? 0) + event.body
      return sum
    }
    Function("s4", on: .eventHub(.hub), state: .keyed(Int.self)) { batch, sums, context in
      for event in batch { sums[event.key] = event.body }
    }
    Function("s5", on: .eventHub(.hub), state: .keyed(Int.self)) { batch, sums, context in
      for event in batch {
        try await work(event.body)
        sums[event.key] = event.body
      }
    }
  }

  @FunctionBuilder private static var queues: [Function] {
    Function("q1", on: .queue(.queue, maxMessageBatchSize: 10)) { batch, context in
      let sum = batch.count
      try await work(sum)
    }
    Function("q2", on: .queue(.queue, maxMessageBatchSize: 10)) { batch, context in
      for message in batch { try await work(message.body) }
      context.logger.information("x")
    }
    Function("q4", on: .queue(.queue)) { message, context in
      try await work(message.body)
      context.logger.information("x")
    }
    Function("q5", on: .queue(.queue)) { message, context in
      try quick(message.body)
      context.logger.information("x")
    }
  }

  @FunctionBuilder private static var outcomes: [Function] {
    Function("c1", on: .eventHub(.hub)) { batch, context in
      await batch.results { event in
        try await work(event.body)
        return .success()
      }
    }
    Function("c2", on: .eventHub(.hub)) { batch, context in
      context.logger.information("x")
      return await batch.results { event in .success() }
    }
    Function("c3", on: .eventHub(.hub), to: .queue(.queue)) { batch, context in
      await batch.results { event in
        switch event.body {
        case 3: .deadLetter("three")
        case 5 where event.attempt < 3: .retry(after: .milliseconds(1))
        default: .success(event.body)
        }
      }
    }
    Function("c4", on: .eventHub(.hub), to: .queue(.queue)) { batch, context in
      let offset = batch.count
      return await batch.results { event in .success(event.body + offset) }
    }
    Function("c5", on: .eventHub(.hub), to: .queue(.queue), .eventHub(.other)) { batch, context in
      await batch.results { event in .success(event.body, event.body) }
    }
    Function("s6", on: .eventHub(.hub), state: .keyed(Int.self), to: .queue(.queue)) { batch, sums, context in
      await batch.results(with: &sums) { event, sum in
        sum = event.body
        return .success(event.body)
      }
    }
    Function("s7", on: .eventHub(.hub), state: .keyed(Int.self)) { batch, sums, context in
      await batch.results(with: &sums) { event, sum in
        sum = event.body
        return .success()
      }
    }
  }

  private struct Group {
    @Sendable func sync(_ batch: EventBatch<Int>, _ context: FunctionContext) throws {}
    @Sendable func async(_ batch: EventBatch<Int>, _ context: FunctionContext) async throws {}
    @Sendable func map(_ batch: EventBatch<Int>, _ context: FunctionContext) async throws -> [Int] { [] }
    @Sendable func each(_ batch: EventBatch<Int>, _ context: FunctionContext) async throws -> BatchResults<> {
      await batch.results { _ in .success() }
    }

    var together: [Function] {
      [
        Function("sync", on: .eventHub(.hub), run: sync), Function("async", on: .eventHub(.hub), run: async),
        Function("map", on: .eventHub(.hub), to: .queue(.queue), run: map),
      ]
    }
    var outcomes: [Function] { [Function("each", on: .eventHub(.hub), run: each)] }
  }

  /// What a function makes of one event.
  private func verdict(of function: Function) async throws -> EventVerdict {
    guard case .events(let binding) = function.body else { throw Outcome.deadLetter("not a function of events") }
    let events = [EventReference([.sample(1)], at: 0)]
    let plan = FunctionPlan(
      function: function, options: FunctionOptions(), instance: "test", logger: Logger(sink: .discard))
    let invocation = Invocation(plan: plan, work: .events(events), number: 1, deadline: nil, partition: nil)
    return await binding.run(EventInput(events: events, values: [:]), invocation)
  }

  @Test func `a function has one outcome for a batch, whatever its closure looks like`() async throws {
    for function in Self.plain + Self.outputs + Self.singles + Self.states + Group().together {
      guard case .together = try await verdict(of: function).body else {
        Issue.record("\(function.name) should have one outcome")
        continue
      }
    }
    #expect(Self.queues.count == 4)
  }

  @Test func `a function that gives each event an outcome is taken for one`() async throws {
    for function in Self.outcomes + Group().outcomes {
      guard case .each(let results) = try await verdict(of: function).body else {
        Issue.record("\(function.name) should have an outcome for each event")
        continue
      }
      #expect(results.count == 1)
    }
  }
}
