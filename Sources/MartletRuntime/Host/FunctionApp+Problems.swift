import MartletCore

extension FunctionApp {
  /// What is wrong with the app under this configuration, all of it.
  public func problems(with configuration: HostConfiguration) -> [ConfigurationError.Problem] {
    var problems = configuration.problems + configuration.rangeProblems
    func add(_ place: String, _ message: String?) {
      if let message { problems.append(.init(place, message)) }
    }
    add("app \"\(name)\"", Self.problem(withName: configuration.app ?? name))
    if functions.isEmpty { add("app \"\(name)\"", "it has no functions") }
    for (index, function) in functions.enumerated() {
      let place = "function \"\(Setting.printable(function.name))\""
      add(place, Self.problem(withName: function.name))
      if functions[..<index].contains(where: { $0.name.lowercased() == function.name.lowercased() }) {
        add(place, "there is another function of this name (case does not count)")
      }
      for address in [function.trigger] + function.outputs {
        if let problem = Address.problem(withName: address.name) { add("\(place), \(address)", problem) }
        add("\(place), \(address)", problem(withConnectionOf: address, configuration))
      }
      for problem in options(of: function, configuration).problems { add(place, problem) }
    }
    return problems + sourceProblems(configuration) + nameProblems(configuration)
  }

  private func problem(withConnectionOf address: Address, _ configuration: HostConfiguration) -> String? {
    guard let connection = address.connection, configuration.connection(connection) == nil else { return nil }
    let known = configuration.connections.keys.sorted().joined(separator: ", ")
    let key = HostConfiguration.connectionKey(connection).uppercased()
    return
      "the connection \"\(connection)\" is not configured; set MARTLET_CONNECTION_\(key) (\(known.isEmpty ? "there is none" : "there are: \(known)"))"
  }

  /// Two functions that read one queue would each get a part of its messages.
  private func sourceProblems(_ configuration: HostConfiguration) -> [ConfigurationError.Problem] {
    var readers: [Source: String] = [:]
    let app = configuration.app ?? name
    return activeFunctions(configuration).compactMap { function in
      let url = function.trigger.connection.map { configuration.connection($0) ?? $0 } ?? configuration.broker
      var source = Source(url: url, address: Address(function.trigger.kind, function.trigger.name))
      if case .events(let binding) = function.body { source.group = binding.group ?? app }
      guard let other = readers.updateValue(function.name, forKey: source) else { return nil }
      if let group = source.group {
        return .init(
          "function \"\(function.name)\"",
          "\"\(other)\" reads \(function.trigger) in the group \"\(group)\" too, so each event would reach one of the two only; give each a group"
        )
      }
      return .init(
        "function \"\(function.name)\"",
        "\"\(other)\" reads \(function.trigger) too, so each message would reach one of the two only; send to a queue for each instead"
      )
    }
  }

  private struct Source: Hashable {
    let url: String
    let address: Address
    var group: String?
  }

  /// Names in the configuration that no function has.
  private func nameProblems(_ configuration: HostConfiguration) -> [ConfigurationError.Problem] {
    let names = Set(functions.map { $0.name.lowercased() })
    func unknown(_ name: String, _ key: String) -> ConfigurationError.Problem? {
      guard !names.contains(name.lowercased()) else { return nil }
      let hint = Suggestion.text(for: name, among: functions.map(\.name))
      return .init(
        configuration.places[key] ?? key, "the app has no function \"\(Setting.printable(name))\"; \(hint)")
    }
    return configuration.functions.keys.sorted().compactMap { unknown($0, "functions.\($0)") }
      + (configuration.activeFunctions ?? []).compactMap { unknown($0, "active.\($0.lowercased())") }
      + configuration.disabledFunctions.compactMap { unknown($0, "disabled.\($0.lowercased())") }
  }

  /// Azure's rule for function names, for apps too.
  static func problem(withName name: String) -> String? {
    if name.lowercased() == "host" { return "the name \"host\" is reserved" }
    let isValid =
      name.utf8.count <= 128 && name.first?.isLetter == true
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
    return isValid ? nil : "a name is a letter, then letters, digits, _ and -, at most 128"
  }
}
