import Glibc
public import MartletCore

extension FunctionApp {
  /// Runs the app until SIGTERM, SIGINT or cancellation, then drains.
  /// - Returns: whether the drain was clean.
  /// - Throws: `ConfigurationError` with every mistake.
  public func run(_ configuration: HostConfiguration, opening: BrokerOpening) async throws -> Bool {
    let end = Signal()
    TerminationSignals.shared.onFirst { end.fire() }
    return try await withTaskCancellationHandler {
      let host = try await start(configuration, opening: opening, until: end)
      host.whenStarved { end.fire() }
      await end.wait()
      return await host.drain()
    } onCancel: {
      end.fire()
    }
  }

  /// Runs the app and ends the process: 0 after a clean drain, 78 when the configuration is wrong, 1 otherwise. A second
  /// SIGTERM or SIGINT ends it at once, with 1; what it held is delivered again.
  public func runAndExit(
    _ load: () throws -> HostConfiguration, opening: BrokerOpening
  ) async -> Never {
    var logger = Logger()
    do {
      let configuration = try load()
      logger = configuration.logger
      exit(try await run(configuration, opening: opening) ? 0 : 1)
    } catch let error as ConfigurationError {
      logger.log(.critical, error.description)
      exit(78)
    } catch {
      logger.log(.critical, "\(name) cannot run: \(error)")
      exit(1)
    }
  }
}
