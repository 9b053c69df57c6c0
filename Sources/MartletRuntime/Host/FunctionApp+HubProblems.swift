import MartletCore

extension FunctionApp {
  /// What is wrong with the event hubs of the app: with their declarations, groups, brokers and stores.
  func hubProblems(
    _ configuration: HostConfiguration, _ brokers: BrokerDirectory
  ) -> [ConfigurationError.Problem] {
    guard brokers.problems.isEmpty else { return [] }
    var problems: [ConfigurationError.Problem] = []
    for function in activeFunctions(configuration) {
      let place = "function \"\(Setting.printable(function.name))\""
      var hubs = function.bindings.compactMap { binding in binding.hub.map { (binding.address, $0) } }
      if case .events(let binding) = function.body {
        hubs.insert((function.trigger, binding.hub), at: 0)
        if let problem = Self.problem(withGroup: binding.group ?? configuration.app ?? name) {
          problems.append(.init("\(place), \(function.trigger)", problem))
        }
      }
      for (address, hub) in hubs {
        func add(_ message: String) { problems.append(.init("\(place), \(address)", message)) }
        if let count = hub.partitionCount, !(1...HubDeclaration.maxPartitionCount).contains(count) {
          add("partitions is \(count); it must be 1 to \(HubDeclaration.maxPartitionCount)")
        }
        // An unknown connection has been reported.
        guard address.connection.map({ configuration.connection($0) != nil }) ?? true else { continue }
        let broker = brokers[address]
        if !(broker is any EventLog) { add("\(broker.system) has no event hubs") }
      }
      if case .events = function.body, brokers[function.trigger] is any EventLog,
        brokers.store(of: function.trigger) == nil
      {
        problems.append(
          .init(
            "\(place), \(function.trigger)",
            "\(brokers[function.trigger].system) cannot keep checkpoints and ownership; set MARTLET_STORE to embedded:PATH or redis://host"
          ))
      }
    }
    return problems
  }

  /// Why a consumer group cannot have this name; nil where it can.
  private static func problem(withGroup name: String) -> String? {
    if name.contains(where: { ":/".contains($0) }) {
      return "the group \"\(Setting.printable(name))\" may not hold : and /"
    }
    return Address.problem(withName: name).map { "the group \"\(Setting.printable(name))\": \($0)" }
  }
}
