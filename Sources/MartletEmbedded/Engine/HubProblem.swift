import MartletCore

/// Why a hub cannot be as it is asked for.
enum HubProblem {
  static func problem(with declaration: HubDeclaration) -> BrokerError? {
    if let problem = Address.problem(withName: declaration.name) { return impossible(declaration.name, problem) }
    if let count = declaration.partitionCount, !(1...HubDeclaration.maxPartitionCount).contains(count) {
      return BrokerError(
        .configuration,
        "the event hub \(declaration.name) cannot have \(count) partitions; 1 to \(HubDeclaration.maxPartitionCount) are possible",
        isRetriable: false)
    }
    let retention = declaration.retention ?? HubRetention()
    guard retention.age ?? .zero >= .zero, retention.bytes ?? 0 >= 0, retention.count ?? 0 >= 0 else {
      return BrokerError(
        .configuration, "the retention of the event hub \(declaration.name) has a limit below zero", isRetriable: false)
    }
    return nil
  }

  static func impossible(_ name: String, _ problem: String) -> BrokerError {
    BrokerError(.configuration, "\"\(name)\" cannot be the name of an event hub: \(problem)", isRetriable: false)
  }

  static func conflict(_ hub: HubRow, _ count: Int) -> BrokerError {
    BrokerError(
      .conflict,
      "the event hub \(hub.name) has \(hub.partitionCount) partitions, \(count) are declared; the count of a hub never changes, since keys would move: declare \(hub.partitionCount), or make a hub of another name",
      isRetriable: false)
  }
}

extension BrokerError {
  static func missing(hub: String) -> BrokerError {
    BrokerError(
      .notFound, "the event hub \(hub) does not exist; create it, or declare it with mode create", isRetriable: false)
  }
}
