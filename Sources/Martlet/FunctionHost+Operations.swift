extension FunctionHost {
  /// What an operator does with the consumer groups of a hub, through the connections of this app.
  /// - Parameter hub: a hub on one of the app's brokers.
  /// - Throws: `configuration` for a broker that has no event hubs, and where there is no store.
  public func operations<Body>(on hub: HubName<Body>) throws(BrokerError) -> HubOperations {
    try HubOperations(
      hub: hub.address.name, broker: broker(hub.address.connection), store: store(of: hub.address))
  }
}
