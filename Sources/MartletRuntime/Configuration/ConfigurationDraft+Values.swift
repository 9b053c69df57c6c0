import MartletCore

extension ConfigurationDraft {
  mutating func setBroker(_ setting: Setting) {
    guard let url = url(setting) else { return }
    configuration.broker = url
    configuration.places["broker"] = setting.place
  }

  mutating func setStore(_ setting: Setting) {
    guard let url = url(setting) else { return }
    configuration.store = url
    configuration.places["store"] = setting.place
  }

  mutating func setConnection(_ name: String, _ setting: Setting) {
    let key = HostConfiguration.connectionKey(name)
    guard !key.isEmpty, key.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) else {
      return add(setting.place, "the name of a connection may hold letters, digits, - and _ only")
    }
    guard let url = url(setting) else { return }
    configuration.connections[key] = url
    configuration.places["connections.\(key)"] = setting.place
  }

  mutating func setDisabled(_ function: String, _ isDisabled: Bool, _ setting: Setting) {
    configuration.disabledFunctions.removeAll { $0.lowercased() == function.lowercased() }
    if isDisabled { configuration.disabledFunctions.append(function) }
    configuration.places["disabled.\(function.lowercased())"] = setting.place
  }

  mutating func format(_ setting: Setting) -> LogFormatName? {
    choice(setting, LogFormatName.allCases.map { ($0.rawValue, $0) })
  }

  /// A list of names. Variables can replace elements: then it is an object with numbers as keys.
  mutating func names(_ setting: Setting) -> [String]? {
    let elements: [Setting]
    switch setting.value {
    case .array(let array): elements = array
    case .object(let members) where members.allSatisfy({ Int($0.name) != nil }):
      elements = members.sorted { (Int($0.name) ?? 0) < (Int($1.name) ?? 0) }.map(\.setting)
    default:
      refuse(setting, needs: "an array of function names")
      return nil
    }
    for element in elements {
      if case .string(let name) = element.value { configuration.places["active.\(name.lowercased())"] = element.place }
    }
    return elements.compactMap { text($0) }
  }

  /// Puts the layers together, the passwords into the URLs, and the logger on its way.
  mutating func finish(isTerminal: Bool) -> HostConfiguration {
    if batchSize != nil || newBatchThreshold != nil {
      // Azure: what is fetched at once, and again when no more than the threshold is left.
      let size = batchSize ?? 16
      queues.maxConcurrentCalls = size + (newBatchThreshold ?? size / 2 * HostConfiguration.cores)
    }
    configuration.options = own.merged(over: serviceBus).merged(over: queues).merged(over: rabbitMQ).merged(
      over: eventHubs
    ).merged(over: root)
    if let storePassword {
      if let url = configuration.store, let password = text(storePassword) {
        configuration.store = BrokerPassword.put(password, into: url)
      } else if configuration.store == nil {
        add(storePassword.place, "is the password of a store that has no URL")
      }
    }
    if let brokerPassword { configuration.broker = BrokerPassword.put(brokerPassword, into: configuration.broker) }
    for (name, setting) in connectionPasswords.sorted(by: { $0.key < $1.key }) {
      guard let url = configuration.connections[name] else {
        add(setting.place, "is the password of a connection that has no URL")
        continue
      }
      if let password = text(setting) { configuration.connections[name] = BrokerPassword.put(password, into: url) }
    }
    configuration.logger.level = ownLogLevel ?? logLevel ?? .information
    if let logFormat {
      let format: LogFormat =
        switch logFormat {
        case .text: .text(isColored: isTerminal && environment["NO_COLOR"] == nil)
        case .json: .json
        }
      configuration.logger = Logger(level: configuration.logger.level, sink: LogSink(format: format))
    }
    configuration.problems = problems
    return configuration
  }
}
