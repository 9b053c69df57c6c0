import Foundation
import Martlet

/// The two queues of a run: made before it, looked at after it, removed.
struct BenchmarkQueues {
  private let broker: any BrokerAdministration
  private let input: String
  private let output: String

  init(_ target: Target, input: String, output: String) async throws {
    let environment = BrokerEnvironment(
      app: "martlet-bench", logger: Logger(level: .warning), allowVolatile: true)
    broker = try BrokerURL(target.url).open(environment)
    try await broker.start(deadline: .now + .seconds(10))
    self.input = input
    self.output = output
  }

  /// Empty queues with the arguments that Martlet gives them, for both sides.
  func create() async throws {
    try await remove()
    for queue in [input, output] { try await broker.declare(QueueDeclaration(name: queue)) }
  }

  func remove() async throws {
    for queue in [input, output] { try await broker.delete(queue: queue) }
  }

  func close() async { await broker.close(deadline: .now + .seconds(5)) }

  /// Fills the input through Martlet, where the baseline does not know its layout.
  func fill(_ arguments: Arguments, messages: Int) async throws {
    var body = [CChar](repeating: 0, count: arguments.bodyBytes + 64)
    var arena = ByteArena()
    for start in stride(from: 0, to: messages, by: 500) {
      var batch: [OutgoingMessage] = []
      for number in start..<Swift.min(start + 500, messages) {
        batch.append(
          OutgoingMessage(
            to: .queue(input), body: Workload.body(number, arguments, buffer: &body, arena: &arena),
            id: MessageIdentifier.random(),
            contentType: arguments.payload == .json ? .json : .bytes))
      }
      try await broker.publish(batch)
    }
  }

  /// Fails unless every message has left the input, or arrived in it, and has one output.
  func verify(_ side: Side, _ scenario: Scenario, messages: Int) async throws {
    let expected: (input: Int, output: Int) =
      (scenario.isPublishing ? messages : 0, scenario.hasOutputs ? messages : 0)
    let deadline = ContinuousClock.now + .seconds(10)
    while true {
      let (input, output) = (try await broker.counts(of: input), try await broker.counts(of: output))
      let waiting = input.ready + input.delayed + input.unsettled
      if waiting == expected.input, input.dead == 0, output.ready == expected.output { return }
      // RabbitMQ's numbers are a few seconds old.
      guard ContinuousClock.now < deadline else {
        throw BenchmarkFailure(
          """
          after the run of \(side) \(waiting) messages are in the input (\(expected.input) expected), \(input.dead) in its dead \
          letters and \(output.ready) in the output (\(expected.output) expected)
          """)
      }
      try await Task.sleep(for: .milliseconds(100))
    }
  }
}
