import Martlet

/// Two functions behind each other that drop repeats, from the queue `<run>-in` over `<run>-mid` to `<run>-out`; and two
/// functions of events, from the hub `<run>-events`, over `<run>-copies`, to keyed state: the second one drops repeats.
enum Repeats {
  static func app(run: String, expiration: Duration) -> FunctionApp {
    func queue(_ name: String) -> QueueName<String> { QueueName("\(run)-\(name)") }
    func hub(_ name: String) -> HubName<String> { HubName("\(run)-\(name)") }
    let window = Duration.seconds(600)
    let options = EventHubOptions(
      maxEventBatchSize: 8, maxWaitTime: .seconds(1), prefetchCount: 16,
      partitionOwnershipExpirationInterval: expiration, loadBalancingUpdateInterval: .milliseconds(200),
      handOverTimeout: .seconds(5), lanes: 4)
    // What was cut off again and again has done nothing wrong.
    let patient = EventFailure.retry(.fixedDelay(maxRetryCount: 1000, delayInterval: .milliseconds(50)))
    return FunctionApp("repeats") {
      Function("one", on: .queue(queue("in"), deduplicate: window), to: .queue(queue("mid"))) { message, _ in
        if message.attempt > 1 {
          Words.say("again \(message.body)")
        } else {
          // Work takes time: a kill finds some in hand.
          try? await Task.sleep(for: .milliseconds(250))
        }
        return message.body
      }
      Function("two", on: .queue(queue("mid"), maxMessageBatchSize: 20, deduplicate: window), to: .queue(queue("out")))
      {
        batch, _ in
        await batch.results { message in .success(message.body) }
      }
      Function(
        "copy", on: .eventHub(hub("events"), group: "copy", onFailure: patient, options: options),
        to: .eventHub(hub("copies"))
      ) { batch, _ in
        await batch.results { event in .success(Outgoing(event.body, key: event.key)) }
      }
      Function(
        "count",
        on: .eventHub(hub("copies"), group: "count", onFailure: patient, deduplicate: window, options: options),
        state: .keyed(Int.self)
      ) { batch, counts, _ in
        await batch.results(with: &counts) { _, count in
          count = (count ?? 0) + 1
          return .success()
        }
      }
    }
  }
}
