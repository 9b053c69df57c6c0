import Glibc
import Martlet

/// A worker of the fault tests: a chain of three functions from `<run>-a` over `<run>-b` and `<run>-c` to `<run>-out`.
///
///     fault-worker BROKER RUN LEASE-SECONDS
@main struct FaultWorker {
  static func main() async {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let lease = Int(arguments[3]) else {
      fatalError("usage: fault-worker BROKER RUN LEASE-SECONDS")
    }
    let run = arguments[2]
    func queue(_ name: String) -> QueueName<String> { QueueName("\(run)-\(name)") }
    // No function fails, so what is not a first attempt was taken from a worker that did not finish it.
    @Sendable func note(_ message: Incoming<String>) {
      guard message.attempt > 1 else { return }
      let line = Array("again \(message.body) \(message.attempt)\n".utf8)
      _ = line.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
    let app = FunctionApp("faults") {
      Function("one", on: .queue(queue("a")), to: .queue(queue("b"))) { message, _ in
        note(message)
        return "\(message.body)1"
      }
      // One that waits, so that kills find work under way.
      Function("two", on: .queue(queue("b"), maxConcurrentCalls: 8), to: .queue(queue("c"))) { message, _ in
        note(message)
        await Task.yield()
        return "\(message.body)2"
      }
      Function("three", on: .queue(queue("c"), maxMessageBatchSize: 50), to: .queue(queue("out"))) { batch, _ in
        await batch.results { message in
          note(message)
          return .success("\(message.body)3")
        }
      }
    }
    var configuration = HostConfiguration(broker: arguments[1])
    // A message that is cut off again and again has done nothing wrong.
    configuration.options.maxDequeueCount = 1000
    configuration.lease = .seconds(lease)
    configuration.drainTimeout = .seconds(20)
    configuration.logger = Logger(level: .critical)
    do {
      exit(try await app.run(configuration) ? 0 : 1)
    } catch {
      fatalError("\(error)")
    }
  }
}
