import MartletCore

extension FunctionApp {
  /// Functions that are to drop repeats of messages where nobody can remember them.
  func repeatProblems(
    _ configuration: HostConfiguration, _ brokers: BrokerDirectory
  ) -> [ConfigurationError.Problem] {
    guard brokers.problems.isEmpty else { return [] }
    return activeFunctions(configuration).compactMap { function in
      let queue = function.trigger
      // An unknown connection has been reported.
      guard queue.kind == .queue, options(of: function, configuration).deduplicate != nil,
        queue.connection.map({ configuration.connection($0) != nil }) ?? true, brokers.store(of: queue) == nil
      else { return nil }
      return .init(
        "function \"\(Setting.printable(function.name))\", \(queue)",
        "\(brokers[queue].system) cannot remember the ids of messages, as deduplicate needs; set MARTLET_STORE to embedded:PATH or redis://host, or leave deduplicate out"
      )
    }
  }
}
