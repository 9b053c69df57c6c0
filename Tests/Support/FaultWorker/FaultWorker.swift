import Glibc
import Martlet

/// A worker of the fault tests: an app that the first argument names. It works until SIGTERM.
///
///     fault-worker queues BROKER RUN LEASE-SECONDS
///     fault-worker hubs BROKER STORE RUN EXPIRATION-MILLISECONDS
///     fault-worker repeats BROKER STORE RUN EXPIRATION-MILLISECONDS
///     fault-worker lease BROKER STORE RUN EXPIRATION-MILLISECONDS
///     fault-worker replay BROKER STORE RUN
///
/// STORE is `-` where the broker is its own.
@main struct FaultWorker {
  static func main() async {
    let words = Array(CommandLine.arguments.dropFirst())
    switch (words.first, words.count) {
    case ("queues", 4):
      var configuration = configuration(broker: words[1], store: "-", level: .critical)
      // A message that is cut off again and again has done nothing wrong.
      configuration.options.maxDequeueCount = 1000
      configuration.lease = .seconds(Int(words[3]) ?? 2)
      await work(QueueChain.app(run: words[2]), configuration)
    case ("hubs", 5):
      await work(HubChain.app(run: words[3], expiration: milliseconds(words[4])), configuration(words))
    case ("repeats", 5):
      var configuration = configuration(words)
      configuration.options.maxDequeueCount = 1000
      configuration.lease = milliseconds(words[4])
      await work(Repeats.app(run: words[3], expiration: milliseconds(words[4])), configuration)
    case ("lease", 5):
      await work(LeaseHolder.app(run: words[3], expiration: milliseconds(words[4])), configuration(words))
    case ("replay", 4): await work(Replay.app(run: words[3]), configuration(words))
    default: fatalError("the words \(words) are no app of the fault tests")
    }
  }

  private static func milliseconds(_ word: String) -> Duration { .milliseconds(Int(word) ?? 2000) }

  private static func configuration(_ words: [String]) -> HostConfiguration {
    configuration(broker: words[1], store: words[2], level: .information)
  }

  private static func configuration(broker: String, store: String, level: LogLevel) -> HostConfiguration {
    HostConfiguration(
      broker: broker, store: store == "-" ? nil : store, drainTimeout: .seconds(20),
      logger: Logger(level: level, sink: Words.sink))
  }

  private static func work(_ app: FunctionApp, _ configuration: HostConfiguration) async {
    do {
      exit(try await app.run(configuration) ? 0 : 1)
    } catch {
      fatalError("\(error)")
    }
  }
}
