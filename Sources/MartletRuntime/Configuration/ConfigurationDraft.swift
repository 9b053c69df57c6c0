import MartletCore

/// The configuration while it is read: layer over layer, with the mistakes found so far.
struct ConfigurationDraft {
  var configuration = HostConfiguration()
  var problems: [ConfigurationError.Problem] = []
  /// Options of all functions, the layers of `host.json` apart: earlier ones win.
  var own = FunctionOptions()
  var serviceBus = FunctionOptions()
  var queues = FunctionOptions()
  var rabbitMQ = FunctionOptions()
  var eventHubs = FunctionOptions()
  var root = FunctionOptions()
  /// Azure's two numbers that together are the concurrency of a queue trigger.
  var batchSize: Int?
  var newBatchThreshold: Int?
  var logLevel: LogLevel?
  var ownLogLevel: LogLevel?
  var logFormat: LogFormatName?
  var brokerPassword: String?
  var storePassword: Setting?
  var connectionPasswords: [String: Setting] = [:]
  /// The variables, for `%NAME%`.
  let environment: [String: String]

  mutating func add(_ place: String, _ message: String) { problems.append(.init(place, message)) }

  // MARK: Values

  /// Says what stands there and what should.
  mutating func refuse(_ setting: Setting, needs: String) {
    add(setting.place, "is \(setting.shown); it must be \(needs)")
  }

  mutating func integer(_ setting: Setting, _ range: ClosedRange<Int>) -> Int? {
    let digits: String? =
      switch setting.value {
      case .number(let text): text
      case .string(let text) where setting.isText: text
      default: nil
      }
    guard let digits, let value = Int(digits), range.contains(value) else {
      let upper = range.upperBound == .max ? " or more" : " to \(range.upperBound)"
      refuse(setting, needs: "a whole number, \(range.lowerBound)\(upper)")
      return nil
    }
    return value
  }

  mutating func duration(_ setting: Setting, _ range: ClosedRange<Duration>, orForever: Bool = false) -> Duration? {
    let text: String? =
      switch setting.value {
      case .string(let text), .number(let text): text
      default: nil
      }
    if orForever, text == "-1" { return .seconds(-1) }
    guard let text, let value = DurationText.parse(text), range.contains(value) else {
      let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
      refuse(setting, needs: "a time as hh:mm:ss or d.hh:mm:ss, \(bounds)\(orForever ? ", or -1 for no limit" : "")")
      return nil
    }
    return value
  }

  mutating func boolean(_ setting: Setting) -> Bool? {
    switch setting.value {
    case .bool(let value): return value
    case .string(let text) where setting.isText:
      switch text.lowercased() {
      case "true", "1": return true
      case "false", "0": return false
      default: break
      }
    default: break
    }
    refuse(setting, needs: "true or false")
    return nil
  }

  mutating func text(_ setting: Setting) -> String? {
    guard case .string(let text) = setting.value else {
      refuse(setting, needs: "a text")
      return nil
    }
    guard !text.isEmpty else {
      add(setting.place, "is empty; give it a value or leave it out")
      return nil
    }
    return text
  }

  mutating func choice<Value>(_ setting: Setting, _ choices: [(name: String, value: Value)]) -> Value? {
    guard case .string(let text) = setting.value,
      let choice = choices.first(where: { $0.name.lowercased() == text.lowercased() })
    else {
      refuse(setting, needs: choices.map(\.name).joined(separator: ", "))
      return nil
    }
    return choice.value
  }

  mutating func level(_ setting: Setting) -> LogLevel? {
    if case .string(let text) = setting.value, let level = LogLevel(name: text) { return level }
    refuse(setting, needs: LogLevel.allCases.map(\.name).joined(separator: ", "))
    return nil
  }

  /// A broker's URL. Nothing of it is shown: it may hold a password. `%NAME%` stands for a variable.
  mutating func url(_ setting: Setting) -> String? {
    guard case .string(let text) = setting.value else {
      add(setting.place, "must be a text, a broker's URL")
      return nil
    }
    guard text.count > 2, text.hasPrefix("%"), text.hasSuffix("%") else { return self.text(setting) }
    let name = String(text.dropFirst().dropLast())
    guard let value = environment[name], !value.isEmpty else {
      add(setting.place, "names the variable \(Setting.printable(name)), which is not set")
      return nil
    }
    return value
  }
}

/// The formats by the names that the configuration uses.
enum LogFormatName: String, CaseIterable {
  case text, json
}
