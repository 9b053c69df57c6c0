import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

/// Mistakes in the code of an app, alone and together with those of its configuration.
struct FunctionAppProblemsTests {
  private static func function(_ name: String, on queue: String, connection: String? = nil) -> Function {
    Function(name, on: .queue(QueueName<String>(queue, connection: connection))) { _, _ in }
  }

  @Test(arguments: [
    "", "1bill", "_bill", "bill!", "../x", "bill.x", "größe", "🚀", String(repeating: "a", count: 300), "a b", "a\nb",
  ])
  func `refuses names of functions and apps`(name: String) {
    let message = "a name is a letter, then letters, digits, _ and -, at most 128"
    let app = FunctionApp("shop") { Self.function(name, on: "orders") }
    #expect(app.problems(with: HostConfiguration()).map(\.message) == [message])
    let other = FunctionApp(name) { Self.function("bill", on: "orders") }
    #expect(other.problems(with: HostConfiguration()).map(\.message) == [message])
  }

  @Test(arguments: ["b", "Bill-2_x", String(repeating: "a", count: 128)])
  func `takes names that Azure takes`(name: String) {
    let app = FunctionApp(name) { Self.function(name, on: "orders") }
    #expect(app.problems(with: HostConfiguration()).isEmpty)
  }

  @Test func `refuses the reserved name, doubles and two readers of one queue`() {
    let app = FunctionApp("shop") {
      Self.function("Host", on: "a")
      Self.function("bill", on: "b")
      Self.function("BILL", on: "c")
      Self.function("page", on: "b")
    }
    #expect(
      app.problems(with: HostConfiguration()).map(\.description) == [
        "function \"Host\": the name \"host\" is reserved",
        "function \"BILL\": there is another function of this name (case does not count)",
        "function \"page\": \"bill\" reads queue:b too, so each message would reach one of the two only; send to a queue for each instead",
      ])
  }

  @Test func `two connections to one broker are one source; a disabled reader is none`() {
    let app = FunctionApp("shop") {
      Self.function("bill", on: "a")
      Self.function("page", on: "a", connection: "second")
    }
    var configuration = HostConfiguration(broker: "embedded:x", connections: ["second": "embedded:y"])
    #expect(app.problems(with: configuration).isEmpty)
    configuration.connections["second"] = "embedded:x"
    #expect(app.problems(with: configuration).count == 1)
    configuration.disabledFunctions = ["Page"]
    #expect(app.problems(with: configuration).isEmpty)
  }

  @Test func `refuses queues and connections that cannot be`() {
    let app = FunctionApp("shop") {
      Self.function("a", on: "amq.x")
      Self.function("b", on: "", connection: "nowhere")
      Function("c", on: .queue(QueueName<String>("orders")), to: .queue(QueueName<String>("größe"))) { order, _ in
        order.body
      }
    }
    #expect(
      app.problems(with: HostConfiguration(connections: ["other": "embedded:"])).map(\.description) == [
        "function \"a\", queue:amq.x: names that begin with \"amq.\" belong to RabbitMQ",
        "function \"b\", queue:: the name is empty",
        "function \"b\", queue:: the connection \"nowhere\" is not configured; set MARTLET_CONNECTION_NOWHERE (there are: other)",
        "function \"c\", queue:größe: the name may hold letters, digits and - _ . / : only",
      ])
  }

  @Test func `refuses options out of range, wherever they come from`() {
    let app = FunctionApp("shop") {
      Function(
        "bill",
        on: .queue(
          QueueName<String>("orders"), maxConcurrentCalls: 0, prefetchCount: 70_000, maxDequeueCount: 0,
          visibilityTimeout: .seconds(-1)), retry: .fixedDelay(maxRetryCount: -2, delayInterval: .seconds(-5)),
        functionTimeout: .zero
      ) { _, _ in }
      Function(
        "many",
        on: .queue(
          QueueName<String>("b"), maxMessageBatchSize: 10, minMessageBatchSize: 11, maxBatchWaitTime: .seconds(151)),
        retry: .exponentialBackoff(maxRetryCount: 1, minimumInterval: .zero, maximumInterval: .seconds(-1))
      ) { _, _ in }
    }
    let problems = app.problems(
      with: HostConfiguration(drainTimeout: .seconds(-1), lease: .zero, maxMessageBytes: 0, consumerTimeout: .zero)
    ).map(\.description)
    #expect(
      problems == [
        "configuration: drainTimeout is -00:00:01; it must be 00:00:00 to 01:00:00",
        "configuration: lease is 00:00:00; it must be 00:00:01 to 00:10:00",
        "configuration: consumerTimeout is 00:00:00; it must be 00:00:01 to 365.00:00:00",
        "configuration: maxMessageBytes is 0; it must be 1024 to 134217728",
        "function \"bill\": maxConcurrentCalls is 0; it must be 1 to 10000",
        "function \"bill\": prefetchCount is 70000; it must be 1 to 65535",
        "function \"bill\": maxDequeueCount is 0; it must be 1 to 1000000",
        "function \"bill\": visibilityTimeout is -00:00:01; it must be 00:00:00 to 7.00:00:00",
        "function \"bill\": functionTimeout is 00:00:00; it must be 00:00:00.001 to 365.00:00:00, or -1 for no limit",
        "function \"bill\": retry: maxRetryCount is -2; it must be -1 (no end) or more",
        "function \"bill\": retry: delayInterval is -00:00:05; it must be 00:00:00 to 30.00:00:00",
        "function \"many\": minMessageBatchSize is 11; it must be 1 to 10",
        "function \"many\": maxBatchWaitTime is 00:02:31; it must be 00:00:00 to 00:02:30",
        "function \"many\": retry: minimumInterval is 00:00:00; it must be more than 0, up to 30.00:00:00",
        "function \"many\": retry: maximumInterval is -00:00:01; it must be minimumInterval (00:00:00) to 30.00:00:00",
      ])
  }

  @Test func `names in the configuration must be functions`() throws {
    let app = FunctionApp("shop") { Self.function("bill", on: "orders") }
    let configuration = try ConfigurationFixture.read(
      #"{"functions": ["bil"], "martlet": {"functions": {"blil": {"maxDequeueCount": 2}, "ship": {}}}}"#,
      environment: ["AzureWebJobs.pay.Disabled": "true"])
    #expect(
      app.problems(with: configuration).map(\.description) == [
        "host.json:1:58 martlet.functions.blil: the app has no function \"blil\"; did you mean \"bill\"?",
        "host.json:1:90 martlet.functions.ship: the app has no function \"ship\"; known are: bill",
        "host.json:1:16 functions[0]: the app has no function \"bil\"; did you mean \"bill\"?",
        "AzureWebJobs.pay.Disabled: the app has no function \"pay\"; known are: bill",
      ])
  }

  @Test func `all mistakes of code, configuration and brokers come in one error`() async throws {
    let app = FunctionApp("shop") {
      Self.function("1", on: "orders")
      Self.function("bill", on: "b", connection: "archive")
    }
    let configuration = try ConfigurationFixture.read(
      #"{"version": 1, "martlet": {"connections": {"archive": "kafka:x"}}}"#, arguments: ["--broker", "nats:y"])
    let error = await #expect(throws: ConfigurationError.self) {
      _ = try await app.start(configuration) { url, _ throws(BrokerError) in
        throw BrokerError(.configuration, "\(url) cannot be used", isRetriable: false)
      }
    }
    #expect(
      error?.description == """
        the configuration has 4 mistakes:
          - host.json:1:13 version: is 1; it must be "2.0"
          - function "1": a name is a letter, then letters, digits, _ and -, at most 128
          - --broker: nats:y cannot be used
          - host.json:1:55 martlet.connections.archive: kafka:x cannot be used
        """)
  }

  @Test func `the configuration's word on a function wins over the code's, the code's over the app-wide one`() {
    let app = FunctionApp("shop") {
      Function(
        "bill", on: .queue(QueueName<String>("orders"), maxConcurrentCalls: 2, maxDequeueCount: 2)
      ) { _, _ in }
    }
    let configuration = HostConfiguration(
      options: FunctionOptions(maxConcurrentCalls: 3, prefetchCount: 3, maxDequeueCount: 3),
      functions: ["BILL": FunctionOptions(maxConcurrentCalls: 1)])
    #expect(app.problems(with: configuration).isEmpty)
    #expect(
      app.options(of: app.functions[0], configuration)
        == FunctionOptions(maxConcurrentCalls: 1, prefetchCount: 3, maxDequeueCount: 2))
  }

  @Test func `runs what is active`() {
    let app = FunctionApp("shop") {
      Self.function("a", on: "a")
      Self.function("b", on: "b")
      Self.function("c", on: "c")
    }
    func active(_ configuration: HostConfiguration) -> [String] { app.activeFunctions(configuration).map(\.name) }
    #expect(active(HostConfiguration()) == ["a", "b", "c"])
    #expect(active(HostConfiguration(activeFunctions: ["B", "c"])) == ["b", "c"])
    #expect(active(HostConfiguration(activeFunctions: ["B", "c"], disabledFunctions: ["C"])) == ["b"])
    #expect(active(HostConfiguration(disabledFunctions: ["A"])) == ["b", "c"])
  }
}
