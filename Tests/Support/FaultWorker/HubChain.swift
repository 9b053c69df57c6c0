import Martlet

/// Two functions behind each other, from the hub `<run>-in` over `<run>-mid` to `<run>-out` and the queue `<run>-list`:
/// one with a commit for each batch, one with a commit for eight of them.
///
/// An output says where it comes from: `ID COUNT PARTITION EPOCH`. The count is that of the key's events so far, kept in
/// keyed state, so an event that had its effect twice, or never, shows.
enum HubChain {
  static func app(run: String, expiration: Duration) -> FunctionApp {
    func hub(_ name: String) -> HubName<String> { HubName("\(run)-\(name)") }
    let list = QueueName<String>("\(run)-list")
    let options = EventHubOptions(
      maxEventBatchSize: 8, maxWaitTime: .seconds(1), prefetchCount: 16,
      partitionOwnershipExpirationInterval: expiration, loadBalancingUpdateInterval: .milliseconds(200),
      handOverTimeout: .seconds(5), lanes: 8)
    // An event whose owners die again and again has done nothing wrong.
    let patient = EventFailure.retry(.fixedDelay(maxRetryCount: 1000, delayInterval: .milliseconds(50)))
    return FunctionApp("hub-faults") {
      Function(
        "one", on: .eventHub(hub("in"), group: "one", onFailure: patient, options: options),
        state: .keyed(Int.self), to: .eventHub(hub("mid"))
      ) { batch, counts, context in
        Words.say("ran one \(batch.count)")
        let place = "\(context.partition?.number ?? -1) \(context.partition?.epoch ?? 0)"
        return await batch.results(with: &counts) { event, count in
          let new = (count ?? 0) + 1
          count = new
          return .success(Outgoing("\(event.body) \(new) \(place)", key: event.key))
        }
      }
      Function(
        "two",
        on: .eventHub(hub("mid"), group: "two", batchCheckpointFrequency: 8, onFailure: patient, options: options),
        to: .eventHub(hub("out")), .queue(list)
      ) { batch, context in
        Words.say("ran two \(batch.count)")
        let place = "\(context.partition?.number ?? -1) \(context.partition?.epoch ?? 0)"
        // Time in which a kill finds work under way.
        await Task.yield()
        return await batch.results { event in
          let origin = event.body.split(separator: " ").prefix(2).joined(separator: " ")
          return .success(Outgoing("\(origin) \(place)", key: event.key), Outgoing(origin))
        }
      }
    }
  }
}
