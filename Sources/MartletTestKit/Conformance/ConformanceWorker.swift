import Glibc
public import Martlet

/// The process that the conformance suite kills and stops. An executable target of yours is this and nothing else:
///
/// ```swift
/// @main struct Worker {
///   static func main() async {
///     await ConformanceWorker.run { url, environment in try BrokerURL(url).open(environment) }
///   }
/// }
/// ```
public enum ConformanceWorker {
  /// Does what the suite says in the arguments, until it is killed or its standard input ends.
  public static func run(
    arguments: [String] = Array(CommandLine.arguments.dropFirst()), open: BrokerConformance.Open
  ) async -> Never {
    do {
      let options = try Options(arguments: arguments)
      let environment = BrokerEnvironment(
        app: "conformance-worker", logger: Logger(level: .warning, sink: .standardError),
        lease: .milliseconds(options.leaseMilliseconds))
      let broker = try open(options.url, environment)
      try await broker.start(deadline: .now + .seconds(30))
      let player = ConformancePlayer(options)
      let subscription = QueueSubscription(
        queue: QueueDeclaration(name: options.queue), function: "conformance-worker", prefetch: options.prefetch)
      let consumer = try await broker.consume(subscription, handler: player)
      // Before the first message is run: it may be the one that kills.
      say("ready")
      player.begin(with: consumer)
      await player.obeyStandardInput()
      exit(0)
    } catch {
      say("failed \(error)")
      exit(1)
    }
  }

  /// One line, in one write, so that it is out before a kill.
  static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
  }
}
