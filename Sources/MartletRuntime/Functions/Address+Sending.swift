import MartletCore

extension Address {
  /// Why nothing can be sent here; nil where it can.
  /// - Parameter connections: the keys of those that are configured.
  func problem(sendingOver connections: Set<String>) -> String? {
    if let connection, !connections.contains(HostConfiguration.connectionKey(connection)) {
      return "cannot send to \(self): the connection \"\(connection)\" is not configured"
    }
    return Address.problem(withName: name).map { "cannot send to \(self): \($0)" }
  }
}
