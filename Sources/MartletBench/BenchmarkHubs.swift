import Foundation
import Martlet

/// The two hubs of a run: made before it, removed behind it.
struct BenchmarkHubs {
  let log: any EventLog & BrokerAdministration
  private let arguments: Arguments

  init(_ target: Target, _ arguments: Arguments) async throws {
    self.arguments = arguments
    log = try await Self.open(target.url)
  }

  /// Opens a broker that has hubs, as this process uses it.
  static func open(_ url: String) async throws -> any EventLog & BrokerAdministration {
    let broker = try BrokerURL(url).open(
      BrokerEnvironment(app: "martlet-bench", logger: Logger(level: .warning), allowVolatile: true))
    guard let log = broker as? any EventLog & BrokerAdministration else {
      throw UsageError("\(broker.system) has no event hubs")
    }
    try await log.start(deadline: .now + .seconds(10))
    return log
  }

  /// Empty hubs as Martlet makes them, for both sides.
  func create() async throws {
    try await remove()
    for hub in [arguments.input, arguments.output] {
      _ = try await log.declare(HubDeclaration(name: hub, partitionCount: arguments.partitions))
    }
  }

  /// The queue of that name is the one that the idle function of a publishing app reads.
  func remove() async throws {
    for hub in [arguments.input, arguments.output] { try await log.delete(hub: hub) }
    try await log.delete(queue: arguments.output)
  }

  func close() async { await log.close(deadline: .now + .seconds(5)) }

  /// Fills the input through Martlet, where the baseline does not know its layout.
  func fill(messages: Int) async throws {
    var body = [CChar](repeating: 0, count: arguments.bodyBytes + 64)
    var arena = ByteArena()
    for start in stride(from: 0, to: messages, by: 2000) {
      try await log.publish(
        (start..<min(start + 2000, messages)).map { number in
          OutgoingMessage(
            to: .hub(arguments.input), body: Workload.body(number, arguments, buffer: &body, arena: &arena),
            id: HubWorkload.identifier(number), contentType: arguments.payload == .json ? .json : .bytes,
            key: HubWorkload.key(number))
        })
    }
  }
}
