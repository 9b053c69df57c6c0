import Martlet

/// A member of the group `lease` of the hub `<run>-in`: sends each event on to `<run>-out`, as `ID PARTITION EPOCH`, and
/// says what it runs as `ran PARTITION EPOCH IDS`. An expiration of zero leaves the intervals as an app has them. On `hold`
/// no run comes to its end until `go`; each says `held PARTITION EPOCH`.
enum LeaseHolder {
  static func app(run: String, expiration: Duration) -> FunctionApp {
    let source = HubName<String>("\(run)-in")
    let target = HubName<String>("\(run)-out", partitions: 1)
    let quick = EventHubOptions(
      partitionOwnershipExpirationInterval: expiration, loadBalancingUpdateInterval: .milliseconds(100),
      handOverTimeout: .seconds(3))
    let gate = Gate()
    let options = expiration > .zero ? quick : EventHubOptions()
    return FunctionApp("leases") {
      Function(
        "hold", on: .eventHub(source, group: "lease", maxEventBatchSize: 10, options: options), to: .eventHub(target)
      ) { batch, context in
        let place = "\(context.partition?.number ?? -1) \(context.partition?.epoch ?? 0)"
        Words.say("ran \(place) \(batch.map(\.id).joined(separator: " "))")
        // Work takes time: an owner that is taken over has some in hand.
        try? await Task.sleep(for: .milliseconds(20))
        await gate.pass(place)
        return await batch.results { event in .success(Outgoing("\(event.id) \(place)", key: event.key)) }
      }
    }
  }
}
