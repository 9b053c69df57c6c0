public import MartletCore

extension Trigger {
  /// One invocation per batch of events of one partition. Every consumer group gets every event; the processes of a
  /// group share the partitions.
  /// - Parameters:
  ///   - name: the hub.
  ///   - group: the consumer group: a name without `:` and `/`. Default: the app's name.
  ///   - maxEventBatchSize: the most events of a batch, 1 to 10 000. Default 100.
  ///   - minEventBatchSize: a batch waits for so many. Default 1.
  ///   - maxWaitTime: how long it waits for them, up to 10 min. Default 60 s.
  ///   - batchCheckpointFrequency: one checkpoint, with the outputs, for so many batches. Default 1.
  ///   - prefetchCount: events of a partition that are fetched and wait. Default 300.
  ///   - initialOffset: where a group begins that has no checkpoint. Default `fromStart`.
  ///   - lanes: paths of a partition that run side by side, each in order; a key is always in the same. Default 1.
  ///   - maxOutstanding: events above the checkpoint. Default: four batches, and no fewer than `prefetchCount`.
  ///   - onFailure: what follows a failure. Default: five attempts, exponential, then the dead letters.
  ///   - batchFailure: what follows when a batch fails as a whole. Default `bisect`.
  ///   - onRetentionGap: what follows when events are missing. Default `skip`.
  ///   - deduplicate: for how long after an event succeeded others of its id, in its partition, are dropped. Default: nothing
  ///     is dropped.
  ///   - options: what else can be set, and what `host.json` can set too; the parameters before win.
  public static func eventHub<Body>(
    _ name: HubName<Body>, group: String? = nil, maxEventBatchSize: Int? = nil, minEventBatchSize: Int? = nil,
    maxWaitTime: Duration? = nil, batchCheckpointFrequency: Int? = nil, prefetchCount: Int? = nil,
    initialOffset: InitialOffset? = nil, lanes: Int? = nil, maxOutstanding: Int? = nil,
    onFailure: EventFailure? = nil, batchFailure: BatchFailure? = nil, onRetentionGap: RetentionGapPolicy? = nil,
    deduplicate: Duration? = nil, options: EventHubOptions = EventHubOptions()
  ) -> Trigger where Input == EventBatch<Body> {
    let own = EventHubOptions(
      maxEventBatchSize: maxEventBatchSize, minEventBatchSize: minEventBatchSize, maxWaitTime: maxWaitTime,
      batchCheckpointFrequency: batchCheckpointFrequency, prefetchCount: prefetchCount, initialOffset: initialOffset,
      lanes: lanes, maxOutstanding: maxOutstanding, onFailure: onFailure?.last, batchFailure: batchFailure,
      onRetentionGap: onRetentionGap, deduplicate: deduplicate)
    let decode = name.codec.decode
    return Trigger(name, group, own.merged(over: options), onFailure, isSingle: false) { events in
      var bodies: [IncomingEvent<Body>] = []
      var undecodable: [Undecoded] = []
      bodies.reserveCapacity(events.count)
      for event in events {
        do { bodies.append(IncomingEvent(body: try decode(event.value.message.body), event: event)) } catch {
          undecodable.append(Undecoded(offset: event.offset, error: error))
        }
      }
      let accepted = undecodable.isEmpty ? events : bodies.map(\.event)
      return DecodedEvents(
        input: bodies.isEmpty ? nil : EventBatch(events: bodies), accepted: accepted, undecodable: undecodable)
    }
  }

  /// One invocation per event. The events of a lane run one after another.
  /// - Parameters:
  ///   - name: the hub.
  ///   - group: the consumer group: a name without `:` and `/`. Default: the app's name.
  ///   - batchCheckpointFrequency: one checkpoint, with the outputs, for so many batches. Default 1.
  ///   - prefetchCount: events of a partition that are fetched and wait. Default 300.
  ///   - initialOffset: where a group begins that has no checkpoint. Default `fromStart`.
  ///   - lanes: paths of a partition that run side by side, each in order; a key is always in the same. Default 1.
  ///   - maxOutstanding: events above the checkpoint. Default: four batches, and no fewer than `prefetchCount`.
  ///   - onFailure: what follows a failure. Default: five attempts, exponential, then the dead letters.
  ///   - onRetentionGap: what follows when events are missing. Default `skip`.
  ///   - deduplicate: for how long after an event succeeded others of its id, in its partition, are dropped. Default: nothing
  ///     is dropped.
  ///   - options: what else can be set, and what `host.json` can set too; the parameters before win.
  public static func event<Body>(
    of name: HubName<Body>, group: String? = nil, batchCheckpointFrequency: Int? = nil, prefetchCount: Int? = nil,
    initialOffset: InitialOffset? = nil, lanes: Int? = nil, maxOutstanding: Int? = nil,
    onFailure: EventFailure? = nil, onRetentionGap: RetentionGapPolicy? = nil, deduplicate: Duration? = nil,
    options: EventHubOptions = EventHubOptions()
  ) -> Trigger where Input == IncomingEvent<Body> {
    let own = EventHubOptions(
      batchCheckpointFrequency: batchCheckpointFrequency, prefetchCount: prefetchCount, initialOffset: initialOffset,
      lanes: lanes, maxOutstanding: maxOutstanding, onFailure: onFailure?.last, onRetentionGap: onRetentionGap,
      deduplicate: deduplicate)
    let decode = name.codec.decode
    return Trigger(name, group, own.merged(over: options), onFailure, isSingle: true) { events in
      guard let event = events.first else { return DecodedEvents(input: nil, accepted: [], undecodable: []) }
      do {
        let input = IncomingEvent(body: try decode(event.value.message.body), event: event)
        return DecodedEvents(input: input, accepted: events, undecodable: [])
      } catch {
        return DecodedEvents(input: nil, accepted: [], undecodable: [Undecoded(offset: event.offset, error: error)])
      }
    }
  }

  private init<Body>(
    _ name: HubName<Body>, _ group: String?, _ options: EventHubOptions, _ onFailure: EventFailure?, isSingle: Bool,
    decode: @escaping @Sendable ([EventReference]) -> DecodedEvents<Input>
  ) {
    address = name.address
    self.options = FunctionOptions(retry: onFailure?.policy, events: options)
    binding = .events(
      EventDecoding(hub: name.declaration, group: group, isSingle: isSingle, decode: decode))
  }
}
