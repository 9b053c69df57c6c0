import Foundation
import MartletCore

extension ConfigurationDraft {
  /// The variables with a value of their own. `MARTLET_BROKER` and those of connections are secrets, read apart.
  private static var variables: [String: SettingRule] {
    [
      "MARTLET_APP": .value { setting, draft in
        if let app = draft.text(setting) { draft.configuration.app = app }
      },
      "MARTLET_LOG_LEVEL": .value { setting, draft in
        if let level = draft.level(setting) { draft.ownLogLevel = level }
      },
      "MARTLET_LOG_FORMAT": .value { setting, draft in
        if let format = draft.format(setting) { draft.logFormat = format }
      },
      "MARTLET_DRAIN_TIMEOUT": .duration(\.configuration.drainTimeout, HostConfiguration.Limits.drainTimeout),
      "MARTLET_LEASE": .duration(\.configuration.lease, HostConfiguration.Limits.lease),
      "MARTLET_MAX_MESSAGE_BYTES": .integer(
        \.configuration.maxMessageBytes, HostConfiguration.Limits.maxMessageBytes),
      "MARTLET_CONSUMER_TIMEOUT": .duration(
        \.configuration.consumerTimeout, HostConfiguration.Limits.consumerTimeout),
      "MARTLET_ALLOW_VOLATILE": .boolean(\.configuration.allowVolatile),
      "MARTLET_EXIT_WHEN_REFUSED": .boolean(\.configuration.exitWhenRefused),
    ]
  }

  private static let secrets = [
    "MARTLET_BROKER", "MARTLET_BROKER_FILE", "MARTLET_BROKER_PASSWORD", "MARTLET_BROKER_PASSWORD_FILE",
    "MARTLET_STORE", "MARTLET_STORE_FILE", "MARTLET_STORE_PASSWORD", "MARTLET_STORE_PASSWORD_FILE",
  ]
  private static let connectionPrefix = "MARTLET_CONNECTION_"

  /// Everything that the environment sets beside `host.json`.
  mutating func readVariables() {
    let rules = Self.variables
    if let broker = secret("MARTLET_BROKER") { setBroker(broker) }
    if let password = secret("MARTLET_BROKER_PASSWORD") { brokerPassword = text(password) }
    if let store = secret("MARTLET_STORE") { setStore(store) }
    if let password = secret("MARTLET_STORE_PASSWORD") { storePassword = password }
    readConnections()
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
      if let rule = rules[name] {
        let setting = Setting(text: value, place: name)
        if value.isEmpty {
          add(name, "is empty; give it a value or unset it")
        } else {
          rule.apply(setting, name: name, to: &self)
        }
      } else if name.hasPrefix("MARTLET_"), !name.hasPrefix(Self.connectionPrefix), !Self.secrets.contains(name) {
        // Other programs may have variables of their own with this prefix; near misses are mistakes.
        if let nearest = Suggestion.nearest(to: name, among: Array(rules.keys) + Self.secrets, limit: 2) {
          add(name, "the variable is not known; did you mean \(nearest)?")
        }
      } else if let function = Self.functionDisabled(by: name) {
        let setting = Setting(text: value, place: name)
        if let isDisabled = boolean(setting) { setDisabled(function, isDisabled, setting) }
      }
    }
  }

  /// A value that may also stand in a file: `NAME` or `NAME_FILE`.
  private mutating func secret(_ name: String) -> Setting? {
    let fileName = "\(name)_FILE"
    if let value = environment[name] {
      if environment[fileName] != nil { add(fileName, "is set together with \(name); set one of the two") }
      return secretSetting(value, place: name)
    }
    guard let path = environment[fileName] else { return nil }
    switch ConfigurationFile.read(path, atMost: 64 * 1024) {
    case .text(let text): return secretSetting(text.trimmingCharacters(in: .newlines), place: fileName)
    case .missing: add(fileName, "the file \"\(Setting.printable(path))\" does not exist")
    case .unusable(let reason): add(fileName, "the file \"\(Setting.printable(path))\" \(reason)")
    }
    return nil
  }

  private mutating func secretSetting(_ value: String, place: String) -> Setting? {
    guard value.isEmpty else { return Setting(text: value, place: place) }
    add(place, "is empty; give it a value or unset it")
    return nil
  }

  private mutating func readConnections() {
    let suffixes = ["_PASSWORD_FILE", "_PASSWORD", "_FILE"]
    var names: Set<String> = []
    for variable in environment.keys where variable.hasPrefix(Self.connectionPrefix) {
      let suffix = suffixes.first { variable.hasSuffix($0) } ?? ""
      names.insert(String(variable.dropFirst(Self.connectionPrefix.count).dropLast(suffix.count)))
    }
    for name in names.sorted() {
      if let url = secret(Self.connectionPrefix + name) { setConnection(name, url) }
      if let password = secret("\(Self.connectionPrefix)\(name)_PASSWORD") {
        connectionPasswords[HostConfiguration.connectionKey(name)] = password
      }
    }
  }

  /// `AzureWebJobs.<function>.Disabled`; shells without dots in names write `_` or `__`.
  private static func functionDisabled(by variable: String) -> String? {
    for separator in [".", "__", "_"] {
      let (prefix, suffix) = ("AzureWebJobs\(separator)", "\(separator)Disabled")
      guard variable.hasPrefix(prefix), variable.hasSuffix(suffix), variable.count > prefix.count + suffix.count else {
        continue
      }
      return String(variable.dropFirst(prefix.count).dropLast(suffix.count))
    }
    return nil
  }

  /// Puts `AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls` and the like into the file's tree.
  func overrides(_ root: inout Setting) {
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
      for separator in ["__", ":"] {
        let prefix = "AzureFunctionsJobHost\(separator)"
        guard name.lowercased().hasPrefix(prefix.lowercased()) else { continue }
        let path = name.dropFirst(prefix.count).components(separatedBy: separator)
        root.set(path[...], to: Setting(text: value, place: name))
      }
    }
  }
}
