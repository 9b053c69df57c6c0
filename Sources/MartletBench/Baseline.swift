import CBaseline

/// Runs the programs in C.
enum Baseline {
  /// Deliveries that RabbitMQ may have outstanding: the most that Martlet asks for, too.
  private static let prefetch: Int32 = 2000

  /// Does the scenario's work in this process.
  static func run(_ arguments: Arguments, _ target: Target, messages: Int) -> SideCost {
    let output = arguments.scenario.hasOutputs ? arguments.output : nil
    return withJob(arguments, target, messages: messages, output: output) { job in
      let cost =
        switch (target.system, arguments.scenario) {
        case (.redis, .publish): baseline_redis_publish(&job)
        case (.redis, .consume), (.redis, .pipe): baseline_redis_pipe(&job)
        case (.redis, .hubPublish): baseline_redis_hub_publish(&job)
        case (.redis, .hubConsume), (.redis, .hubPipe): baseline_redis_hub_pipe(&job)
        case (.rabbitmq, .publish): baseline_rabbitmq_publish(&job)
        case (.rabbitmq, .consume), (.rabbitmq, .pipe): baseline_rabbitmq_pipe(&job)
        case (.rabbitmq, .hubPublish): baseline_rabbitmq_hub_publish(&job)
        case (.rabbitmq, .hubConsume), (.rabbitmq, .hubPipe): baseline_rabbitmq_hub_pipe(&job)
        case (.embedded, .publish): baseline_sqlite_publish(&job)
        case (.embedded, .consume), (.embedded, .pipe): baseline_sqlite_pipe(&job)
        case (.embedded, .hubPublish): baseline_sqlite_hub_publish(&job)
        case (.embedded, .hubConsume), (.embedded, .hubPipe): baseline_sqlite_hub_pipe(&job)
        }
      return SideCost(cost, messages: messages)
    }
  }

  /// Fills the input for either side.
  static func fill(_ arguments: Arguments, _ target: Target, messages: Int) {
    var filling = arguments
    filling.scenario = arguments.scenario.isOfHubs ? .hubPublish : .publish
    _ = run(filling, target, messages: messages)
  }

  /// Lends a job whose strings live as long as `body`.
  static func withJob<R>(
    _ arguments: Arguments, _ target: Target, messages: Int, output: String?, _ body: (inout baseline_job) -> R
  ) -> R {
    withOptionalCString(target.user) { user in
      withOptionalCString(target.password) { password in
        withOptionalCString(output) { output in
          target.host.withCString { host in
            target.space.withCString { space in
              arguments.input.withCString { input in
                HubWorkload.group.withCString { group in
                  withOptionalCString(target.system == .embedded ? target.space : arguments.store) { store in
                    var job = baseline_job(
                      host: host, port: Int32(target.port), user: user, password: password, space: space, input: input,
                      output: output, prefetch: prefetch, messages: messages,
                      bodyBytes: arguments.bodyBytes, json: arguments.payload == .json,
                      brokerPID: Int32(arguments.brokerPID ?? 0), partitions: Int32(arguments.partitions),
                      group: group, store: store,
                      traced: arguments.side != nil && arguments.scenario.isPublishing)
                    return body(&job)
                  }
                }
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
