/// What the configuration file may hold at a place, and what is done with it.
indirect enum SettingRule {
  /// An object with these keys.
  case section([String: SettingRule])
  /// An object whose keys the user chooses.
  case named((_ name: String) -> SettingRule)
  /// One value.
  case value((Setting, inout ConfigurationDraft) -> Void)
  /// Azure's, without meaning here. Said once, at the start.
  case ignored

  func apply(_ setting: Setting, name: String, to draft: inout ConfigurationDraft) {
    if case .null = setting.value { return }
    switch self {
    case .ignored: draft.configuration.ignored.append(name)
    case .value(let use): use(setting, &draft)
    case .section(let rules):
      guard let members = members(of: setting, &draft) else { return }
      for member in members {
        let match = rules.first { $0.key.lowercased() == member.name.lowercased() }
        guard let match else {
          let hint = Suggestion.text(for: member.name, among: rules.keys)
          draft.add(member.setting.place, "the key \"\(Setting.printable(member.name))\" is not known; \(hint)")
          continue
        }
        match.value.apply(member.setting, name: Self.path(name, match.key), to: &draft)
      }
    case .named(let rule):
      guard let members = members(of: setting, &draft) else { return }
      for member in members { rule(member.name).apply(member.setting, name: Self.path(name, member.name), to: &draft) }
    }
  }

  private func members(of setting: Setting, _ draft: inout ConfigurationDraft) -> [Setting.Member]? {
    guard case .object(let members) = setting.value else {
      draft.refuse(setting, needs: "an object")
      return nil
    }
    return members
  }

  private static func path(_ parent: String, _ name: String) -> String { parent.isEmpty ? name : "\(parent).\(name)" }
}

extension SettingRule {
  typealias Target<Value> = WritableKeyPath<ConfigurationDraft, Value>

  static func integer(_ target: Target<Int?>, _ range: ClosedRange<Int>) -> SettingRule {
    .value { setting, draft in if let value = draft.integer(setting, range) { draft[keyPath: target] = value } }
  }

  static func integer(_ target: Target<Int>, _ range: ClosedRange<Int>) -> SettingRule {
    .value { setting, draft in if let value = draft.integer(setting, range) { draft[keyPath: target] = value } }
  }

  static func duration(_ target: Target<Duration?>, _ range: ClosedRange<Duration>, orForever: Bool = false)
    -> SettingRule
  {
    .value { setting, draft in
      if let value = draft.duration(setting, range, orForever: orForever) { draft[keyPath: target] = value }
    }
  }

  static func duration(_ target: Target<Duration>, _ range: ClosedRange<Duration>) -> SettingRule {
    .value { setting, draft in if let value = draft.duration(setting, range) { draft[keyPath: target] = value } }
  }

  static func boolean(_ target: Target<Bool>) -> SettingRule {
    .value { setting, draft in if let value = draft.boolean(setting) { draft[keyPath: target] = value } }
  }
}
