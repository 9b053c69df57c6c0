public import MartletCore

extension FunctionApp {
  /// Runs `body` beside the app's functions: for a program that has something to do and then ends.
  ///
  /// The functions read their queues when `body` begins. When it returns or throws, the app drains. SIGTERM, SIGINT and
  /// cancellation cancel `body`, so the wait for it is over as soon as it heeds that.
  /// - Returns: what `body` returns, after the drain.
  /// - Throws: `ConfigurationError` with every mistake, before `body`; and what `body` throws.
  public func withHost<Result: Sendable>(
    _ configuration: HostConfiguration, opening: BrokerOpening,
    _ body: @escaping @Sendable (FunctionHost) async throws -> Result
  ) async throws -> Result {
    let signals = TerminationSignals.shared
    let host = try await start(configuration, opening: opening)
    let work = Task { try await body(host) }
    signals.onFirst { work.cancel() }
    host.whenStarved { work.cancel() }
    let result = await withTaskCancellationHandler {
      await work.result
    } onCancel: {
      work.cancel()
    }
    _ = await host.drain()
    return try result.get()
  }
}
