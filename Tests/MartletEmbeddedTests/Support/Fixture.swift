import Foundation
import MartletCore

@testable import MartletEmbedded

/// The file's tables, not the protocol of the same name.
typealias Store = MartletEmbedded.Store

/// A folder of its own for one test.
final class Scratch: Sendable {
  let path = NSTemporaryDirectory() + "martlet-embedded-" + MessageIdentifier.random()

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  var file: String { path + "/martlet.db" }
}

extension EmbeddedBroker {
  static func open(_ path: String?, lease: Duration = .seconds(10), maxMessageBytes: Int = 16 << 20) async throws
    -> EmbeddedBroker
  {
    let environment = BrokerEnvironment(
      app: "test", logger: Logger(sink: .discard), lease: lease, maxMessageBytes: maxMessageBytes)
    let broker = try EmbeddedBroker(path: path, environment: environment)
    try await broker.start(deadline: .now + .seconds(30))
    return broker
  }

  func read(_ queue: String, prefetch: Int = 100, mode: DeclareMode = .create) async throws -> (
    consumer: any QueueConsumer, inbox: Inbox
  ) {
    let inbox = Inbox()
    let subscription = QueueSubscription(
      queue: QueueDeclaration(name: queue, mode: mode), function: "test", prefetch: prefetch)
    return (try await consume(subscription, handler: inbox), inbox)
  }

  func send(_ bodies: String..., to queue: String) async throws {
    try await publish(bodies.map { OutgoingMessage(to: .queue(queue), body: Bytes($0), id: $0) })
  }

  func shut() async { await close(deadline: .now + .seconds(30)) }
}

extension QueueConsumer {
  func settle(_ settlements: Settlement..., outputs: [OutgoingMessage] = []) async -> CommitResult {
    var group = CommitGroup()
    group.append(settlements: settlements, outputs: outputs)
    return await commit(group)
  }

  func complete(_ deliveries: [Delivery]) async -> CommitResult {
    var group = CommitGroup()
    for delivery in deliveries { group.append(settlement: .complete(delivery.receipt), outputs: []) }
    return await commit(group)
  }
}

extension CommitResult {
  var isApplied: Bool { if case .applied = self { true } else { false } }
  var isLost: Bool { if case .ownershipLost = self { true } else { false } }
  var errors: [Int: BrokerError] { if case .refused(let errors) = self { errors } else { [:] } }
}
