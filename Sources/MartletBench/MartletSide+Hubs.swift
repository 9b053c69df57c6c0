import Martlet

/// Scenarios of event hubs.
extension MartletSide {
  /// The function that reads the hub.
  func reader<Body: Billable>(of: Body.Type) -> Function {
    let input = HubName<Body>(arguments.input, partitions: arguments.partitions)
    let output = HubName<Body.Bill>(arguments.output, partitions: arguments.partitions)
    switch (arguments.scenario, arguments.trigger) {
    case (.hubPipe, .batch):
      return Function("pipe", on: .eventHub(input, group: HubWorkload.group), to: .eventHub(output)) {
        [meter] batch, _ in
        defer { meter.count(batch.count) }
        return batch.map { Outgoing($0.body.bill, key: $0.key) }
      }
    case (.hubPipe, .event):
      return Function("pipe", on: .event(of: input, group: HubWorkload.group), to: .eventHub(output)) {
        [meter] event, _ in
        defer { meter.count() }
        return Outgoing(event.body.bill, key: event.key)
      }
    case (_, .batch):
      return Function("consume", on: .eventHub(input, group: HubWorkload.group)) { [meter] batch, _ in
        for event in batch { _ = event.body.bill }
        meter.count(batch.count)
      }
    case (_, .event):
      return Function("consume", on: .event(of: input, group: HubWorkload.group)) { [meter] event, _ in
        _ = event.body.bill
        meter.count()
      }
    }
  }

  /// Eight senders, each with its own keys, so that the order of a key is that of the numbers, and with 125 events on
  /// their way.
  func publishEvents(_ host: FunctionHost) async throws {
    let (senders, batch) = (8, 125)
    let note = try Order.note(forBodyBytes: arguments.bodyBytes)
    meter.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for sender in 0..<senders {
        group.addTask {
          for start in stride(from: sender, to: messages, by: senders * batch) {
            let last = min(start + (batch - 1) * senders, messages - 1)
            try await send(stride(from: start, through: last, by: senders), note, host)
          }
        }
      }
      try await group.waitForAll()
    }
    meter.stop()
  }

  private func send(_ numbers: StrideThrough<Int>, _ note: String, _ host: FunctionHost) async throws {
    switch arguments.payload {
    case .json:
      try await host.send(
        numbers.map { number in
          let id = HubWorkload.identifier(number)
          return Outgoing(
            Order(number: number, note: note, id: String(id.prefix(16))), key: HubWorkload.key(number), messageID: id)
        },
        to: HubName<Order>(arguments.input, partitions: arguments.partitions))
    case .raw:
      var buffer = [CChar](repeating: 0, count: arguments.bodyBytes + 64)
      var arena = ByteArena()
      try await host.send(
        numbers.map { number in
          Outgoing(
            Workload.body(number, arguments, buffer: &buffer, arena: &arena), key: HubWorkload.key(number),
            messageID: HubWorkload.identifier(number))
        },
        to: HubName<Bytes>(arguments.input, partitions: arguments.partitions))
    }
  }
}
