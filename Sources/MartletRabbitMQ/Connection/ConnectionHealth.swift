import MartletCore

/// What all connections of a broker say to the log together: one line per change of state.
final class ConnectionHealth: Sendable {
  private struct State {
    var down: Set<String> = []
    var since: ContinuousClock.Instant?
    var wasUp = false
    var lastCode: BrokerError.Code?
    var lastSaid: ContinuousClock.Instant?
  }

  /// How often it is said again that there is no connection.
  private static let reminder = Duration.seconds(60)

  private let state = Locked(State())
  private let logger: Logger
  private let url: ConnectionURL

  init(logger: Logger, url: ConnectionURL) {
    self.logger = logger
    self.url = url
  }

  /// A connection is up.
  func opened(_ name: String) {
    let (url, now) = (url, ContinuousClock.now)
    let line: String? = state.withLock { state in
      state.down.remove(name)
      guard state.down.isEmpty else { return nil }
      defer { (state.wasUp, state.since, state.lastCode) = (true, nil, nil) }
      guard let since = state.since else { return state.wasUp ? nil : "connected to RabbitMQ at \(url)" }
      let seconds = ((now - since) / .seconds(1) * 10).rounded() / 10
      return "connected\(state.wasUp ? " again" : "") to RabbitMQ at \(url) after \(seconds) s"
    }
    if let line { logger.information(line) }
  }

  /// A connection is gone, or could not be made.
  func lost(_ name: String, _ error: BrokerError) {
    let now = ContinuousClock.now
    let (isNews, wasUp) = state.withLock { state in
      state.down.insert(name)
      if state.since == nil { state.since = now }
      let isNews = state.lastCode != error.code || state.lastSaid.map { now - $0 > Self.reminder } ?? true
      state.lastCode = error.code
      if isNews { state.lastSaid = now }
      return (isNews, state.wasUp)
    }
    if isNews { logger.warning("\(wasUp ? "connection lost" : "not connected"): \(error.message); retrying") }
  }
}
