import MartletCore

/// Events on their way to the partitions of hubs. Each partition has a lane of its own with one part in flight, applied
/// whole or not at all: so a server that cannot for a moment, or a part that is sent again after a cut, does not change
/// the order in which events first occur. Many lanes are on their way together.
final class HubPublishing {
  private struct Item {
    let publication: HubPublication
    let place: Int
    var message: OutgoingMessage { publication.messages[place] }
  }

  private final class Lane {
    let partition: Int
    /// Those behind `head` wait; the room of those before it is given back from time to time.
    var items: [Item] = []
    var head = 0
    var isBusy = false
    init(partition: Int) { self.partition = partition }

    func take(_ count: Int) -> [Item] {
      let part = Array(items[head..<head + count])
      head += count
      if head * 2 >= items.count {
        items.removeFirst(head)
        head = 0
      }
      return part
    }
  }

  private unowned let loop: RedisLoop
  /// Whole publications whose hubs are being asked for, and those behind them.
  private var unplaced: [HubPublication] = []
  /// By stream.
  private var lanes: [String: Lane] = [:]

  private static let mostMessages = 500
  private static let mostBytes = 1 << 20

  init(loop: RedisLoop) { self.loop = loop }

  var isEmpty: Bool { unplaced.isEmpty && lanes.isEmpty }

  func publish(_ publication: HubPublication) {
    unplaced.append(publication)
    turn()
  }

  /// Sends on what waited for an answer about its hub.
  func turn() {
    var count = 0
    var touched: Set<String> = []
    for publication in unplaced {
      guard let placement = loop.catalog.place(publication.messages) else { break }
      count += 1
      place(publication, placement, &touched)
    }
    unplaced.removeFirst(count)
    for stream in touched { sendNext(stream) }
  }

  func abandon() {
    for publication in unplaced { publication.abandon() }
    for lane in lanes.values { for item in lane.items[lane.head...] { item.publication.abandon() } }
    unplaced = []
    lanes = [:]
  }

  private func place(
    _ publication: HubPublication, _ placement: HubCatalog.Placement, _ touched: inout Set<String>
  ) {
    publication.refused = placement.refused
    // Neighbours mostly go to one hub: its streams are named once.
    var hub = ""
    var known: [Int: Lane] = [:]
    for (index, message) in publication.messages.enumerated() where placement.refused[index] == nil {
      if let error = EntryEncoder.problem(of: message, limit: loop.environment.maxMessageBytes) {
        publication.refused[index] = error
        continue
      }
      let partition = placement.partitions[index]
      if message.address.name != hub { (hub, known) = (message.address.name, [:]) }
      let lane = known[partition] ?? lane(of: HubKeys(hub).stream(partition), partition, &touched)
      known[partition] = lane
      lane.items.append(Item(publication: publication, place: index))
      publication.open += 1
    }
    publication.endIfDone()
  }

  private func lane(of stream: String, _ partition: Int, _ touched: inout Set<String>) -> Lane {
    let lane = lanes[stream] ?? Lane(partition: partition)
    lanes[stream] = lane
    touched.insert(stream)
    return lane
  }

  private func sendNext(_ stream: String) {
    guard let lane = lanes[stream], !lane.isBusy else { return }
    var count = 0
    var bytes = 0
    for item in lane.items[lane.head...] {
      guard count < Self.mostMessages, bytes < Self.mostBytes else { break }
      bytes += item.message.body.count
      count += 1
    }
    guard count > 0 else {
      lanes[stream] = nil
      return
    }
    let part = lane.take(count)
    lane.isBusy = true
    let partitions = Array(repeating: lane.partition, count: count)
    loop.request(
      PendingRequest(
        write: { buffer, scripts in
          // One key: the stream.
          let outputs = OutputEncoder(part.map(\.message), partitions: partitions, own: [])
          buffer.begin(arguments: 3 + outputs.keys.count + outputs.argumentCount)
          buffer.append("EVALSHA")
          buffer.append(scripts.publishEvents.digest ?? "")
          buffer.append(outputs.keys.count)
          for key in outputs.keys { buffer.append(key) }
          outputs.write(to: &buffer)
          return 1
        },
        onReply: { [unowned self] reply, loop in
          var refusal: BrokerError?
          if let text = reply.error {
            let error = BrokerError(redis: text, at: loop.url)
            // A right that is missing will not come while somebody waits for it.
            if error.isRetriable && error.code != .permission { return .again }
            refusal = error
          }
          for item in part { item.publication.took(item.place, refusal) }
          lane.isBusy = false
          sendNext(stream)
          return .done
        },
        onAbandon: { for item in part { item.publication.abandon() } }))
  }
}

/// Events that were handed in together, until each one is confirmed or refused.
final class HubPublication {
  let messages: [OutgoingMessage]
  var open = 0
  var refused: [Int: BrokerError] = [:]
  private var completion: ((CommitResult) -> Void)?

  init(_ messages: [OutgoingMessage], _ completion: @escaping (CommitResult) -> Void) {
    self.messages = messages
    self.completion = completion
  }

  func took(_ place: Int, _ refusal: BrokerError?) {
    if let refusal { refused[place] = refusal }
    open -= 1
    endIfDone()
  }

  func endIfDone() {
    guard open == 0, let completion else { return }
    self.completion = nil
    completion(refused.isEmpty ? .applied : .refused(refused))
  }

  /// The broker was closed before all was known.
  func abandon() {
    completion?(.ownershipLost)
    completion = nil
  }
}
