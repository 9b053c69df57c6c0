import Foundation
import MartletCore
import MartletEmbedded
import MartletRuntime
import Testing

@testable import MartletTestKit

/// An app at work on embedded brokers: in memory, or in a directory where it has to outlive a host.
struct TestApp {
  let host: FunctionHost

  static func start(
    _ configuration: HostConfiguration = HostConfiguration(broker: "embedded:", logger: Logger(sink: .discard)),
    @FunctionBuilder _ functions: () -> [Function]
  ) async throws -> TestApp {
    TestApp(host: try await FunctionApp("test", functions: functions).start(configuration, opening: open))
  }

  static let open: FunctionApp.BrokerOpening = { url, environment throws(BrokerError) in
    // What stands behind the colon; `memory/…` keeps two brokers in memory apart.
    let path = url.dropFirst("embedded:".count)
    return try EmbeddedBroker(path: path.hasPrefix("memory") ? nil : String(path), environment: environment)
  }

  /// Starts an app, runs `body` and drains.
  static func run(
    _ configuration: HostConfiguration = HostConfiguration(broker: "embedded:", logger: Logger(sink: .discard)),
    @FunctionBuilder _ functions: () -> [Function], body: (TestApp) async throws -> Void
  ) async throws {
    let app = try await start(configuration, functions)
    do { try await body(app) } catch {
      _ = await app.host.drain()
      throw error
    }
    _ = await app.host.drain()
  }

  func send<Body>(_ bodies: [Body], to name: QueueName<Body>) async throws {
    try await host.send(bodies.map { Outgoing($0) }, to: name)
  }

  private func administration(_ connection: String? = nil) throws -> any BrokerAdministration {
    try #require(host.broker(connection) as? any BrokerAdministration)
  }

  func counts<Body>(of name: QueueName<Body>) async throws -> QueueCounts {
    try await administration(name.address.connection).counts(of: name.address.name)
  }

  /// Waits until a queue has so many dead letters, and returns them.
  func deadLetters<Body>(of name: QueueName<Body>, count: Int) async throws -> [DeadLetter] {
    let broker = try administration(name.address.connection)
    var letters: [DeadLetter] = []
    try await eventually("there are \(count) dead letters, not \(letters.count)") {
      letters = try await broker.deadLetters(of: name.address.name, limit: 1000)
      return letters.count >= count
    }
    return letters
  }

  /// Waits until nothing of a queue is left but dead letters.
  func waitUntilEmpty<Body>(_ name: QueueName<Body>) async throws {
    let broker = try administration(name.address.connection)
    try await eventually("\(name.address) is empty") {
      let counts = try await broker.counts(of: name.address.name)
      return counts.ready + counts.delayed + counts.unsettled == 0
    }
  }
}

/// What a function does that is still at work: nothing, until its task is cancelled.
func untilCancelled() async {
  let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
  await withTaskCancellationHandler {
    for await _ in stream {}
  } onCancel: {
    continuation.finish()
  }
}

struct Late: Error, CustomStringConvertible {
  let what: String
  var description: String { "\(what) did not come in 30 s" }
}

extension Observed {
  /// Waits for at most 30 s.
  func wait<R: Sendable>(_ what: String, _ take: @escaping @Sendable (inout Value) -> R?) async throws -> R {
    guard let result = await wait(until: .now + .seconds(30), take) else { throw Late(what: what) }
    return result
  }

  /// Waits until something is true.
  func until(_ what: String, _ isTrue: @escaping @Sendable (Value) -> Bool) async throws {
    let _: Bool = try await wait(what) { isTrue($0) ? true : nil }
  }

  /// Waits until so many elements are there, and returns all.
  @discardableResult
  func wait<Element: Sendable>(count: Int) async throws -> [Element] where Value == [Element] {
    try await wait("\(count) elements") { $0.count >= count ? $0 : nil }
  }

  func add<Element: Sendable>(_ element: Element) where Value == [Element] { update { $0.append(element) } }
}

extension QueueName<String> {
  static let input: Self = "in"
  static let output: Self = "out"
  static let elsewhere = Self("out", connection: "second")
}
extension QueueName<Int> {
  static let numbers: Self = "numbers"
  static let others: Self = "others"
}

struct Scripted: Error, CustomStringConvertible { let description = "scripted" }
