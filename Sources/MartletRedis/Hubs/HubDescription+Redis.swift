import MartletCore

extension HubDescription {
  /// What `HubScripts.declare` answered; nil for a hub that is missing, or whose record makes no sense.
  init?(_ hub: String, declared reply: Reply) {
    guard reply.nodes.count == 6, let count = reply.integer(reply.nodes[1]),
      (1...HubDeclaration.maxPartitionCount).contains(count)
    else { return nil }
    func limit(_ index: Int) -> Int? { reply.integer(reply.nodes[index]) }
    self.init(
      name: hub, partitionCount: count,
      retention: HubRetention(age: limit(2).map { .milliseconds($0) }, bytes: limit(3), count: limit(4)))
  }
}

extension HubRetention {
  /// Age in milliseconds, bytes and count, as arguments of `HubScripts`; empty where there is no limit.
  var arguments: [String] {
    [
      age.map { String(Int(milliseconds: ($0 / .milliseconds(1)).rounded(.up))) } ?? "", bytes.map { String($0) } ?? "",
      count.map { String($0) } ?? "",
    ]
  }
}

extension RedisCall {
  /// - Parameters:
  ///   - declaration: count and retention of a hub that is made.
  ///   - asking: the count that the hub must have.
  ///   - retention: `set` to set it, `new` to set that of a hub that is made.
  static func declare(
    _ declaration: HubDeclaration, asking count: Int?, retention: String, makes: Bool = true
  ) -> RedisCall {
    let made = declaration.partitionCount ?? HubDeclaration.defaultPartitionCount
    return .script(
      \.declareHub, keys: [HubKeys(declaration.name).description],
      [
        makes ? "1" : "0", count.map { String($0) } ?? "", String(made), declaration.retention == nil ? "" : retention,
      ] + (declaration.retention ?? HubRetention()).arguments)
  }
}

extension BrokerError {
  /// A hub was asked for with another partition count than it has.
  static func otherCount(of hub: HubDescription, _ count: Int) -> BrokerError {
    BrokerError(
      .conflict,
      "the hub \"\(hub.name)\" has \(hub.partitionCount) partitions, not \(count): the count never changes, because keys would move to other partitions",
      isRetriable: false)
  }
}
