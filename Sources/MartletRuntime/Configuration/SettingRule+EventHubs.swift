import Foundation
import MartletCore

extension SettingRule {
  private typealias Limits = EventHubOptions.Limits

  /// What Azure's section `eventHubs` has, for all functions.
  static var eventHubs: SettingRule {
    let own = eventHubOptions(\.eventHubs.events)
    let names = [
      "maxEventBatchSize", "minEventBatchSize", "maxWaitTime", "batchCheckpointFrequency", "initialOffsetOptions",
      "partitionOwnershipExpirationInterval", "loadBalancingUpdateInterval",
    ]
    return .section(
      Dictionary(
        uniqueKeysWithValues: [
          "clientRetryOptions", "customEndpointAddress", "enableCheckpointing", "eventProcessorOptions",
          "prefetchSizeInBytes", "targetUnprocessedEventThreshold", "trackLastEnqueuedEventProperties",
          "transportType", "webProxy",
        ].map { ($0, .ignored) }
      ).merging(own.filter { names.contains($0.key) }) { $1 }.merging([
        "prefetchCount": .integer(\.eventHubs.events.prefetchCount, Limits.prefetchCount)
      ]) { $1 })
  }

  /// The options of an event hub trigger that no other trigger has.
  static func eventHubOptions(_ target: Target<EventHubOptions>) -> [String: SettingRule] {
    [
      "maxEventBatchSize": .integer(target.appending(path: \.maxEventBatchSize), Limits.maxEventBatchSize),
      "minEventBatchSize": .integer(target.appending(path: \.minEventBatchSize), Limits.maxEventBatchSize),
      "maxWaitTime": .duration(target.appending(path: \.maxWaitTime), Limits.maxWaitTime),
      "batchCheckpointFrequency": .integer(
        target.appending(path: \.batchCheckpointFrequency), Limits.batchCheckpointFrequency),
      "initialOffsetOptions": initialOffset(target.appending(path: \.initialOffset)),
      "partitionOwnershipExpirationInterval": .duration(
        target.appending(path: \.partitionOwnershipExpirationInterval), Limits.expiration),
      "loadBalancingUpdateInterval": .duration(
        target.appending(path: \.loadBalancingUpdateInterval), Limits.updateInterval),
      "handOverTimeout": .duration(target.appending(path: \.handOverTimeout), Limits.handOverTimeout),
      "lanes": .integer(target.appending(path: \.lanes), Limits.lanes),
      "maxOutstanding": .integer(target.appending(path: \.maxOutstanding), Limits.maxOutstanding),
      "onFailure": choice(target.appending(path: \.onFailure)),
      "batchFailure": choice(target.appending(path: \.batchFailure)),
      "onRetentionGap": choice(target.appending(path: \.onRetentionGap)),
    ]
  }

  private static func choice<Value: CaseIterable & RawRepresentable<String>>(
    _ target: Target<Value?>
  ) -> SettingRule {
    .value { setting, draft in
      if let value = draft.choice(setting, Value.allCases.map { ($0.rawValue, $0) }) { draft[keyPath: target] = value }
    }
  }

  /// `{"type": "fromEnqueuedTime", "enqueuedTimeUtc": "2026-11-21T12:00:00Z"}`, as Azure has it.
  private static func initialOffset(_ target: Target<InitialOffset?>) -> SettingRule {
    .value { setting, draft in
      if let offset = draft.initialOffset(setting) { draft[keyPath: target] = offset }
    }
  }
}

extension ConfigurationDraft {
  fileprivate enum OffsetType: CaseIterable { case fromStart, fromEnd, fromEnqueuedTime }

  fileprivate mutating func initialOffset(_ setting: Setting) -> InitialOffset? {
    guard case .object(let members) = setting.value else {
      refuse(setting, needs: "an object with \"type\"")
      return nil
    }
    var type: OffsetType?
    var time: Date?
    let before = problems.count
    for member in members {
      switch member.name.lowercased() {
      case "type": type = choice(member.setting, OffsetType.allCases.map { ("\($0)", $0) })
      case "enqueuedtimeutc": time = self.time(member.setting)
      default:
        let hint = Suggestion.text(for: member.name, among: ["type", "enqueuedTimeUtc"])
        add(member.setting.place, "the key \"\(Setting.printable(member.name))\" is not known; \(hint)")
      }
    }
    guard problems.count == before else { return nil }
    switch (type, time) {
    case (.fromStart, _): return .fromStart
    case (.fromEnd, _): return .fromEnd
    case (.fromEnqueuedTime, let time?): return .fromEnqueuedTime(time)
    case (.fromEnqueuedTime, nil): add(setting.place, "\"enqueuedTimeUtc\" is missing: fromEnqueuedTime needs it")
    case (nil, _): add(setting.place, "\"type\" is missing: fromStart, fromEnd or fromEnqueuedTime")
    }
    return nil
  }

  private mutating func time(_ setting: Setting) -> Date? {
    if case .string(let text) = setting.value {
      let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
      for style in styles { if let date = try? Date(text, strategy: style) { return date } }
    }
    refuse(setting, needs: "a time as 2026-11-21T12:00:00Z")
    return nil
  }
}
