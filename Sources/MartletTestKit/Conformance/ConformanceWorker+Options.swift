extension ConformanceWorker {
  /// What a worker does with its messages.
  enum Behaviour: String, Sendable {
    /// Holds them; the line `commit` on its standard input pipes all that it holds.
    case hold
    /// Completes each and sends one message to the output.
    case pipe
    /// As `pipe`, but it kills itself right after it has handed in its tenth commit, before the answer.
    case pipeAndDie
    /// As `pipe`, but it dies of the body `poison`; a suspect beyond three attempts it dead-letters unseen.
    case poison
  }

  /// The arguments, in this order.
  struct Options: Sendable {
    var url: String
    var queue: String
    var output: String?
    var prefetch: Int
    var behaviour: Behaviour
    var leaseMilliseconds: Int

    var arguments: [String] {
      [behaviour.rawValue, url, queue, output ?? "", String(prefetch), String(leaseMilliseconds)]
    }
  }
}

extension ConformanceWorker.Options {
  init(arguments: [String]) throws {
    guard arguments.count == 6, let behaviour = ConformanceWorker.Behaviour(rawValue: arguments[0]),
      let prefetch = Int(arguments[4]), let lease = Int(arguments[5])
    else {
      throw ConformanceFailure(
        "usage: hold|pipe|pipeAndDie|poison URL QUEUE OUTPUT PREFETCH LEASE-IN-MILLISECONDS; the conformance suite starts it"
      )
    }
    self.init(
      url: arguments[1], queue: arguments[2], output: arguments[3].isEmpty ? nil : arguments[3], prefetch: prefetch,
      behaviour: behaviour, leaseMilliseconds: lease)
  }
}
