import CBaseline

/// Runs the programs in C.
enum Baseline {
  /// Deliveries that RabbitMQ may have outstanding: the most that Martlet asks for, too.
  private static let prefetch: Int32 = 2000

  /// Does the scenario's work in this process.
  static func run(_ arguments: Arguments, _ target: Target, messages: Int) -> SideCost {
    let output = arguments.scenario == .pipe ? arguments.output : nil
    return withJob(arguments, target, messages: messages, output: output) { job in
      let cost =
        switch (target.system, arguments.scenario) {
        case (.redis, .publish): baseline_redis_publish(&job)
        case (.redis, _): baseline_redis_pipe(&job)
        case (.rabbitmq, .publish): baseline_rabbitmq_publish(&job)
        case (.rabbitmq, _): baseline_rabbitmq_pipe(&job)
        case (.embedded, .publish): baseline_sqlite_publish(&job)
        case (.embedded, _): baseline_sqlite_pipe(&job)
        }
      return SideCost(cost, messages: messages)
    }
  }

  /// Fills the input queue for either side.
  static func fill(_ arguments: Arguments, _ target: Target, messages: Int) {
    var filling = arguments
    filling.scenario = .publish
    _ = run(filling, target, messages: messages)
  }

  /// Lends a job whose strings live as long as `body`.
  private static func withJob<R>(
    _ arguments: Arguments, _ target: Target, messages: Int, output: String?, _ body: (inout baseline_job) -> R
  ) -> R {
    withOptionalCString(target.user) { user in
      withOptionalCString(target.password) { password in
        withOptionalCString(output) { output in
          target.host.withCString { host in
            target.space.withCString { space in
              arguments.input.withCString { input in
                var job = baseline_job(
                  host: host, port: Int32(target.port), user: user, password: password, space: space, input: input,
                  output: output, prefetch: prefetch, messages: messages,
                  bodyBytes: arguments.bodyBytes, json: arguments.payload == .json,
                  brokerPID: Int32(arguments.brokerPID ?? 0))
                return body(&job)
              }
            }
          }
        }
      }
    }
  }

  private static func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
  }
}
