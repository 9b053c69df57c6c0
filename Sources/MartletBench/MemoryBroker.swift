import Foundation
import Glibc
import Martlet

/// A broker that costs next to nothing: messages made on the spot, commits that are applied at once, on one thread. What
/// is left is the runtime.
final class MemoryBroker: Broker, QueueConsumer {
  private enum Work: Sendable {
    case commit(CommitGroup, @Sendable (CommitResult) -> Void)
    case prefetch(Int)
    case close
  }

  let system = "memory"
  private let arguments: Arguments
  private let messages: Int
  private let mailbox = Mailbox<Work>()

  init(_ arguments: Arguments, messages: Int) {
    self.arguments = arguments
    self.messages = messages
  }

  func commitDomain(for address: Address) -> CommitDomain { CommitDomain("memory") }
  func start(deadline: ContinuousClock.Instant) async throws(BrokerError) {}
  func declare(_ queue: QueueDeclaration) async throws(BrokerError) {}

  func consume(
    _ subscription: QueueSubscription, handler: any DeliveryHandler
  ) async throws(BrokerError) -> any QueueConsumer {
    NamedThread.start("memory-broker") { [self] in serve(handler, prefetch: subscription.prefetch) }.detach()
    return self
  }

  func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
    completion(.applied)
  }

  func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) {
    mailbox.send(.commit(group, completion))
  }

  func setPrefetch(_ count: Int) { mailbox.send(.prefetch(count)) }
  func close(deadline: ContinuousClock.Instant) async { mailbox.send(.close) }

  /// As a connection thread does: reads what fits into the prefetch, 100 at a time, and answers commits.
  private func serve(_ handler: any DeliveryHandler, prefetch: Int) {
    var (prefetch, unsettled, made) = (prefetch, 0, 0)
    var arena = ByteArena()
    var buffer = [CChar](repeating: 0, count: arguments.bodyBytes + 64)
    while true {
      while made < messages, unsettled < prefetch {
        let count = min(100, messages - made, prefetch - unsettled)
        handler.receive(
          (made..<made + count).map { number in
            let message = Message(
              body: Workload.body(number, arguments, buffer: &buffer, arena: &arena),
              id: "0123456789abcdef0123456789abcdef",
              contentType: arguments.payload == .json ? .json : .bytes)
            return Delivery(message: message, receipt: Receipt(generation: 0, low: UInt64(number)))
          })
        made += count
        unsettled += count
      }
      var poll = pollfd(fd: mailbox.signal.descriptor, events: Int16(POLLIN), revents: 0)
      _ = Glibc.poll(&poll, 1, -1)
      for work in mailbox.takeAll() {
        switch work {
        case .commit(let group, let completion):
          unsettled -= group.settlements.count
          completion(.applied)
        case .prefetch(let count): prefetch = count
        case .close: return
        }
      }
    }
  }
}
