import Foundation
import MartletCore

/// The publishing connection: everything that leaves goes through here, confirmed by the broker.
///
/// It has a connection of its own because RabbitMQ stops reading from a connection that publishes while memory or disk
/// are short: acknowledgements must not wait for that.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class Publisher: ConnectionRole {
  enum Command: Sendable {
    case publish(PublishRequest)
    /// What was asked of the topology for a queue has an answer.
    case prepared(Need, BrokerError?)
    /// A hub that outputs go to.
    case learned(HubDescription)
    /// A hub was deleted.
    case forget(String)
  }

  /// What the broker has to have before an item can leave.
  enum Need: Hashable, Sendable {
    case queue(String)
    case delay(String)
    case hub(String)
  }

  /// One message of a job.
  struct Item {
    let job: PublishJob
    let index: Int
    /// Its place among all items.
    let number: UInt64
    /// How often no queue took it.
    var returns = 0
    /// The partition that it goes to, once that is chosen.
    var partition: Int?
  }

  static let channel: UInt16 = 1
  /// How many publishes may be unconfirmed.
  static let windowSize = 2000
  /// Output that waits for the socket; more is encoded when this much has left.
  static let outputLimit = 512 * 1024

  let environment: BrokerEnvironment
  let topology: Topology
  private let mailbox: Mailbox<LoopCommand<Command>>
  /// What can leave now, in order.
  @exclusivity(unchecked) var outgoing = FIFO<Item>()
  @exclusivity(unchecked) var window = ConfirmWindow<Item>()
  /// What waits for the topology.
  @exclusivity(unchecked) var parked: [Need: [Item]] = [:]
  /// Needs that the topology hears of when all publishes up to one have their verdict.
  private var unasked: [(need: Need, tag: UInt64)] = []
  private var itemCount: UInt64 = 0
  /// What the broker could not keep, and when it is tried again.
  var resting: [(due: ContinuousClock.Instant, item: Item)] = []
  var restBackoff = Backoff(first: .milliseconds(50), longest: .seconds(5))
  /// Queues that the delay ladder is known to reach.
  @exclusivity(unchecked) var reachable: Set<String> = []
  /// The partitions of the hubs that outputs go to.
  @exclusivity(unchecked) var hubs: [String: HubRoutes] = [:]
  /// The broker has stopped reading.
  @exclusivity(unchecked) var isBlocked = false
  /// How many items still go one by one, because one of them closed the channel and nobody knows which.
  @exclusivity(unchecked) var isolated = 0
  var returning: ReturnedRoute?
  var hasLoggedRefusal = false

  /// A returned message whose header has yet to come.
  struct ReturnedRoute {
    var exchange: String
    var routingKey: String
  }

  init(environment: BrokerEnvironment, topology: Topology, mailbox: Mailbox<LoopCommand<Command>>) {
    (self.environment, self.topology, self.mailbox) = (environment, topology, mailbox)
  }

  func handle(_ command: Command, wire: Wire?, now: ContinuousClock.Instant) {
    switch command {
    case .publish(let request): take(PublishJob(request))
    case .prepared(let need, let error): prepared(need, error, now: now)
    case .learned(let hub):
      if hubs[hub.name]?.partitionCount != hub.partitionCount { hubs[hub.name] = HubRoutes(hub) }
    case .forget(let hub): hubs[hub] = nil
    }
  }

  /// Checks a job and queues its items.
  private func take(_ job: PublishJob) {
    guard job.itemCount > 0 else { return job.finish(.published(refused: [:])) }
    let (outputs, limit) = (job.request.outputs, environment.maxMessageBytes)
    // Neighbours mostly go to one address, and that is looked at once.
    var addressProblem: BrokerError?
    for index in outputs.indices {
      if index == 0 || outputs[index].address != outputs[index - 1].address {
        addressProblem = MessageEncoder.problem(with: outputs[index].address)
      }
      if let problem = addressProblem ?? MessageEncoder.problem(with: outputs, at: index, limit: limit) {
        job.refuse(entry: job.entry(of: index), problem)
      }
    }
    for index in 0..<job.itemCount {
      outgoing.append(Item(job: job, index: index, number: itemCount))
      itemCount += 1
    }
  }

  /// Keeps an item until what it needs is there.
  func park(_ item: Item, until need: Need) {
    parked[need, default: []].append(item)
    guard parked[need]?.count == 1 else { return }
    // Not before the verdict on what is on its way: a queue that appears would take the later half of it, before the
    // rest, and before it is safe there.
    unasked.append((need, window.lastTag))
    askForNeeds()
  }

  /// Asks the topology for what parked items need, once for all of them.
  func askForNeeds() {
    guard !unasked.isEmpty else { return }
    let due = unasked.filter { window.isSettled(through: $0.tag) }
    unasked.removeAll { window.isSettled(through: $0.tag) }
    for (need, _) in due { ask(need) }
  }

  private func ask(_ need: Need) {
    let answer: @Sendable (Result<Void, BrokerError>) -> Void = { [mailbox] result in
      switch result {
      case .success: mailbox.send(.role(.prepared(need, nil)))
      case .failure(let error): mailbox.send(.role(.prepared(need, error)))
      }
    }
    switch need {
    case .queue(let name):
      let mode = topology.mode(of: name)
      topology.perform(
        forMessages: true, { channel throws(BrokerError) in try channel.create(name, mode: mode) }, completion: answer)
    case .delay(let name):
      let mode = topology.mode(of: name)
      topology.perform(
        forMessages: true, { channel throws(BrokerError) in try channel.prepareDelay(for: name, mode: mode) },
        completion: answer)
    case .hub(let name):
      let hub = topology.declaration(ofHub: name)
      topology.perform(
        forMessages: true, { channel throws(BrokerError) in try channel.declare(hub) },
        completion: { [mailbox] result in
          if case .success(let description) = result { mailbox.send(.role(.learned(description))) }
          answer(result.map { _ in })
        })
    }
  }

  private func prepared(_ need: Need, _ error: BrokerError?, now: ContinuousClock.Instant) {
    // They came back in another order than they were handed in.
    let items = (parked.removeValue(forKey: need) ?? []).sorted { $0.number < $1.number }
    guard let error else {
      if case .delay(let name) = need { reachable.insert(name) }
      return outgoing.prepend(items)
    }
    if error.code == .unavailable {
      // The broker is there but a queue has no leader yet, as after a crash.
      let due = now + restBackoff.next()
      return resting.append(contentsOf: items.map { (due, $0) })
    }
    for item in items { refuse(item, error) }
  }

  /// An item will never leave.
  func refuse(_ item: Item, _ error: BrokerError) {
    item.job.refuse(entry: item.job.entry(of: item.index), error)
    item.job.finishItem()
  }

  func lost(_ error: BrokerError, now: ContinuousClock.Instant) {
    // A closed virtual host is no message's fault.
    channelEnded(error.code == .permission ? nil : error)
    isBlocked = false
    returning = nil
  }

  func close(deadline: ContinuousClock.Instant, now: ContinuousClock.Instant) {}

  var isDrained: Bool { outgoing.isEmpty && window.count == 0 && parked.isEmpty && resting.isEmpty }

  func abandon() {
    let items = window.removeAll() + outgoing.removeAll() + parked.values.joined() + resting.map(\.item)
    (parked, unasked, resting) = ([:], [], [])
    for item in items { item.job.finish(.void) }
  }
}
