import MartletCore

/// Removes what the retention of hubs no longer asks for, as whoever publishes to them: a hub that no group reads would
/// grow for ever. On the broker's thread.
final class HubTrimming {
  private unowned let loop: RedisLoop
  /// When a hub is looked after next, and how many events were published to it since it was.
  private var states: [String: (due: ContinuousClock.Instant, published: Int)] = [:]
  private static let interval = Duration.seconds(30)
  /// So many events do not wait for the time.
  private static let mostEvents = 10_000
  /// How many entries one call may look at: others wait for it.
  private static let mostEntries = 5000

  init(loop: RedisLoop) { self.loop = loop }

  func published(_ count: Int, to hub: String) {
    states[hub, default: (.now + Self.interval, 0)].published += count
  }

  /// Trims a hub that is published to, if it is time.
  func look(after hub: HubDescription) {
    let now = ContinuousClock.now
    guard hub.retention != HubRetention(), let state = states[hub.name],
      state.due <= now || state.published >= Self.mostEvents
    else { return }
    states[hub.name] = (now + Self.interval, 0)
    for partition in 0..<hub.partitionCount { trim(HubPartition(hub: hub.name, number: partition), hub.retention) }
  }

  private func trim(_ partition: HubPartition, _ retention: HubRetention, removed: Int = 0) {
    let keys = HubKeys(partition.hub)
    let call = RedisCall.script(
      \.trimPartition, keys: [keys.stream(partition.number), keys.size(partition.number)],
      retention.arguments.reversed() + [String(Self.mostEntries)])
    loop.request(
      PendingRequest(call) { [unowned self] reply, loop in
        // Who may not, or cannot for now, tries again with the next look.
        guard reply.error == nil, reply.nodes.count == 3,
          let count = reply.integer(reply.nodes[1])
        else { return .done }
        let removed = removed + count
        if reply.integer(reply.nodes[2]) == 1 {
          trim(partition, retention, removed: removed)
        } else if removed > 0 {
          loop.environment.logger.with(LogField("partition", partition.description), LogField("trimmed", removed))
            .information("redis: \(removed) events of \(partition) were removed, as the hub's retention says")
        }
        return .done
      })
  }
}
