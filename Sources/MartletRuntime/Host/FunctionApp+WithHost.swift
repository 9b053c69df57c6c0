public import MartletCore

extension FunctionApp {
  /// Runs `body` beside the app's functions: for a program that has something to do and then ends.
  ///
  /// The functions read their queues when `body` begins. When it returns or throws, the app drains. SIGTERM, SIGINT and
  /// cancellation cancel `body`: the drain begins when it has heeded that, or after two seconds.
  /// - Returns: what `body` returns, after the drain.
  /// - Throws: `ConfigurationError` with every mistake, before `body`; and what `body` throws.
  public func withHost<Result: Sendable>(
    _ configuration: HostConfiguration, opening: BrokerOpening,
    _ body: @escaping @Sendable (FunctionHost) async throws -> Result
  ) async throws -> Result {
    let end = Signal()
    TerminationSignals.shared.onFirst { end.fire() }
    return try await withTaskCancellationHandler {
      let host = try await start(configuration, opening: opening, until: end)
      host.whenStarved { end.fire() }
      let work = Task { try await body(host) }
      let (either, done) = (Signal(), Signal())
      end.whenFired {
        work.cancel()
        either.fire()
      }
      Task {
        _ = await work.result
        done.fire()
        either.fire()
      }
      await either.wait()
      if !done.hasFired { await host.wait(forCancelled: done) }
      _ = await host.drain()
      return try await work.value
    } onCancel: {
      end.fire()
    }
  }
}
