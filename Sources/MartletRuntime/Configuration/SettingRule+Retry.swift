import MartletCore

extension SettingRule {
  /// `{"strategy": "exponentialBackoff", "maxRetryCount": 5, …}`, with Azure's names.
  static func retry(_ target: Target<RetryPolicy?>) -> SettingRule {
    .value { setting, draft in if let policy = draft.retry(setting) { draft[keyPath: target] = policy } }
  }
}

/// The parts of a retry policy before its strategy is known.
private struct RetryParts {
  var isExponential: Bool?
  var maxRetryCount: Int?
  var immediateRetryCount: Int?
  var delayInterval: Duration?
  var minimumInterval: Duration?
  var maximumInterval: Duration?
}

extension ConfigurationDraft {
  fileprivate mutating func retry(_ setting: Setting) -> RetryPolicy? {
    guard case .object(let members) = setting.value else {
      refuse(setting, needs: "an object with \"strategy\" and \"maxRetryCount\"")
      return nil
    }
    let before = problems.count
    let parts = retryParts(members)
    if !members.contains(where: { $0.name.lowercased() == "strategy" }) {
      add(setting.place, "\"strategy\" is missing: fixedDelay or exponentialBackoff")
    }
    if !members.contains(where: { $0.name.lowercased() == "maxretrycount" }) {
      add(setting.place, "\"maxRetryCount\" is missing: 0 or more, or -1 for no end")
    }
    for member in members {
      let name = member.name.lowercased()
      if parts.isExponential == true, name == "delayinterval" {
        add(
          member.setting.place,
          "belongs to the strategy fixedDelay; exponentialBackoff has minimumInterval and maximumInterval")
      } else if parts.isExponential == false, ["minimuminterval", "maximuminterval"].contains(name) {
        add(member.setting.place, "belongs to the strategy exponentialBackoff; fixedDelay has delayInterval")
      }
    }
    if parts.isExponential == false, !members.contains(where: { $0.name.lowercased() == "delayinterval" }) {
      add(setting.place, "\"delayInterval\" is missing: the wait before each retry, as hh:mm:ss")
    }
    guard problems.count == before, let isExponential = parts.isExponential, let count = parts.maxRetryCount else {
      return nil
    }
    let immediate = parts.immediateRetryCount ?? 0
    let policy =
      isExponential
      ? RetryPolicy.exponentialBackoff(
        maxRetryCount: count, minimumInterval: parts.minimumInterval ?? RetryPolicy.defaultMinimum,
        maximumInterval: parts.maximumInterval ?? max(RetryPolicy.defaultMaximum, parts.minimumInterval ?? .zero),
        immediateRetryCount: immediate)
      : RetryPolicy.fixedDelay(
        maxRetryCount: count, delayInterval: parts.delayInterval ?? .zero, immediateRetryCount: immediate)
    for problem in policy.problems { add(setting.place, problem) }
    return policy.problems.isEmpty ? policy : nil
  }

  private mutating func retryParts(_ members: [Setting.Member]) -> RetryParts {
    var parts = RetryParts()
    let names = [
      "strategy", "maxRetryCount", "immediateRetryCount", "delayInterval", "minimumInterval", "maximumInterval",
    ]
    let interval = FunctionOptions.Limits.retryInterval
    for member in members {
      let value = member.setting
      switch member.name.lowercased() {
      case "strategy": parts.isExponential = choice(value, [("fixedDelay", false), ("exponentialBackoff", true)])
      case "maxretrycount": parts.maxRetryCount = integer(value, -1...Int.max)
      case "immediateretrycount": parts.immediateRetryCount = integer(value, 0...Int.max)
      case "delayinterval": parts.delayInterval = duration(value, interval)
      case "minimuminterval": parts.minimumInterval = duration(value, interval)
      case "maximuminterval": parts.maximumInterval = duration(value, interval)
      default:
        let hint = Suggestion.text(for: member.name, among: names)
        add(value.place, "the key \"\(Setting.printable(member.name))\" is not known; \(hint)")
      }
    }
    return parts
  }
}
