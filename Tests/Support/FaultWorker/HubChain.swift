import Martlet

/// Two functions behind each other, from the hub `<run>-in` over `<run>-mid` to `<run>-out`, both with lanes, outputs to
/// a hub and to the queue `<run>-list`, keyed state and dead letters: one with a commit for each batch, one with a commit
/// for eight of them.
///
/// The body of an event is `KEY.NUMBER`, and the name of the function that shall set it aside, if any: by its outcome, or
/// with `mid` because the function before it has sent what cannot be decoded. An output says where it comes from,
/// `KEY.NUMBER COUNT PARTITION EPOCH`, with what the event before it said behind that. The count is that of the events
/// of the key so far that were not set aside, kept in keyed state, so an event that had its effect twice, or never, shows.
enum HubChain {
  /// What a function keeps for a key: how many events it has sent on, and a digest of which, in their order.
  struct Tally: Codable, Sendable {
    var count = 0
    var digest = 0

    mutating func add(_ number: Int) {
      count += 1
      digest = (digest &* 1_000_003) ^ number
    }
  }

  static func app(run: String, expiration: Duration) -> FunctionApp {
    let list = QueueName<String>("\(run)-list")
    let options = EventHubOptions(
      maxEventBatchSize: 8, maxWaitTime: .seconds(1), prefetchCount: 16,
      partitionOwnershipExpirationInterval: expiration, loadBalancingUpdateInterval: .milliseconds(200),
      handOverTimeout: .seconds(5), lanes: 8)
    // An event whose owners die again and again has done nothing wrong.
    let patient = EventFailure.retry(.fixedDelay(maxRetryCount: 1000, delayInterval: .milliseconds(50)))
    return FunctionApp("hub-faults") {
      Function(
        "one", on: .eventHub(HubName<String>("\(run)-in"), group: "one", onFailure: patient, options: options),
        state: .keyed(Tally.self), to: .eventHub(HubName<Bytes>("\(run)-mid")), .queue(list)
      ) { batch, tallies, context in
        Words.say("ran one \(batch.count)")
        let place = "\(context.partition?.number ?? -1) \(context.partition?.epoch ?? 0)"
        return await batch.results(with: &tallies) { event, tally in
          let step = try Step("one", event.body, &tally)
          guard !step.isSetAside else { return .deadLetter("one does not want it") }
          let body = "\(step.origin) \(step.count) \(place)"
          let next: Bytes =
            switch step.mark {
            case "mid": Bytes([0xff] + Array(body.utf8))
            case let mark?: Bytes("\(body) \(mark)")
            case nil: Bytes(body)
            }
          let note = step.number.isMultiple(of: 4) ? Outgoing("one \(step.origin) \(step.count)") : nil
          return .success(Outgoing(next, key: event.key), note)
        }
      }
      Function(
        "two",
        on: .eventHub(
          HubName<String>("\(run)-mid"), group: "two", batchCheckpointFrequency: 8, onFailure: patient, options: options
        ),
        state: .keyed(Tally.self), to: .eventHub(HubName<String>("\(run)-out")), .queue(list)
      ) { batch, tallies, context in
        Words.say("ran two \(batch.count)")
        let place = "\(context.partition?.number ?? -1) \(context.partition?.epoch ?? 0)"
        // Time in which a kill finds work under way.
        await Task.yield()
        return await batch.results(with: &tallies) { event, tally in
          let step = try Step("two", event.body, &tally)
          guard !step.isSetAside else { return .deadLetter("two does not want it") }
          return .success(
            Outgoing("\(step.origin) \(step.count) \(place)", key: event.key),
            Outgoing("two \(step.origin) \(step.count)"))
        }
      }
    }
  }

  /// What a function makes of an event.
  private struct Step {
    let origin: Substring
    let number: Int
    let count: Int
    /// What the body says behind where it comes from.
    let mark: Substring?
    let isSetAside: Bool

    /// Counts it, whatever becomes of it: the state of what is set aside must be forgotten.
    /// - Throws: every other time that an event is set aside, its outcome.
    init(_ function: String, _ body: String, _ tally: inout Tally?) throws {
      let words = body.split(separator: " ")
      origin = words.first ?? ""
      number = origin.split(separator: ".").last.flatMap { Int($0) } ?? 0
      var new = tally ?? Tally()
      new.add(number)
      tally = new
      count = new.count
      mark = words.last.flatMap { Int($0) == nil && words.count > 1 ? $0 : nil }
      isSetAside = mark.map { $0 == function } ?? false
      if isSetAside, number.isMultiple(of: 2) { throw Outcome.deadLetter("\(function) does not want it") }
    }
  }
}
