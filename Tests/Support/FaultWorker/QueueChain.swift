import Martlet

/// Three functions behind each other, from the queue `<run>-a` over `<run>-b` and `<run>-c` to `<run>-out`.
enum QueueChain {
  static func app(run: String) -> FunctionApp {
    func queue(_ name: String) -> QueueName<String> { QueueName("\(run)-\(name)") }
    // No function fails, so what is not a first attempt was taken from a worker that did not finish it.
    @Sendable func note(_ message: Incoming<String>) {
      if message.attempt > 1 { Words.say("again \(message.body) \(message.attempt)") }
    }
    return FunctionApp("faults") {
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
  }
}
