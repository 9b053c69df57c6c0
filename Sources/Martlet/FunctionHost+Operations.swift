extension FunctionHost {
  /// What an operator does with the consumer groups of a hub, through the connections of this app.
  /// - Parameter hub: a hub on one of the app's brokers.
  /// - Throws: `configuration` for a broker that has no event hubs, a connection that is not configured, and
  ///   where there is no store.
  public func operations<Body>(on hub: HubName<Body>) throws(BrokerError) -> HubOperations {
    guard let broker = broker(hub.address.connection) else {
      throw BrokerError(
        .configuration, "\(hub.address): the connection \"\(hub.address.connection ?? "")\" is not configured",
        isRetriable: false)
    }
    return try HubOperations(hub: hub.address.name, broker: broker, store: store(of: hub.address))
  }
}
