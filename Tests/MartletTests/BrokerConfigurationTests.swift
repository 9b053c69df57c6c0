import Foundation
import Martlet
import Testing

@testable import MartletRabbitMQ

/// URLs that an operator may write, from the variable to the broker.
struct BrokerConfigurationTests {
  @Test(arguments: [
    ("amqp://h", "h", 5672, "guest", "guest", "/"),
    ("amqp://h/", "h", 5672, "guest", "guest", "/"),
    ("amqp://u:p%40%2Fw@h:5671/%2f", "h", 5671, "u", "p@/w", "/"),
    ("amqp://u:p@w@h/shop", "h", 5672, "u", "p@w", "shop"),
    ("amqp://u@[::1]:5673/a%2fb", "::1", 5673, "u", "", "a/b"),
    ("amqp://:p@h", "h", 5672, "guest", "p", "/"),
  ])
  func `an amqp URL is read`(
    text: String, host: String, port: UInt16, user: String, password: String, virtualHost: String
  ) throws {
    let url = try ConnectionURL(text)
    #expect(url.host == host)
    #expect(url.port == port)
    #expect(url.user == user)
    #expect(url.password == password)
    #expect(url.virtualHost == virtualHost)
  }

  @Test(arguments: [
    "amqp://u:s3cret@/v", "amqp://u:s3cret@h:0", "amqp://u:s3cret@h:99999", "amqp://u:s3cret@h:56x",
    "amqp://u:s3cret@[::1",
    "amqp://u:s3cret@[::1]x", "amqp://u:s3cret@h/a/b", "amqp://u:s3cret@h/v?heartbeat=1", "amqp://u:s3cret@h/v#x",
    "amqps://u:s3cret@h", "amqp://u:s3cret%zz@h", "amqp://u:s3cret@h,i", "amqp:u:s3cret@h",
    "redis://:s3cret@", "redis://:s3cret@h/x", "redis://:s3cret@h/-1", "redis://:s3cret@h/1?x=y", "redis:s3cret@h",
    "kafka://u:s3cret@h", "s3cret",
  ])
  func `a URL that cannot be is told with its place and without its password`(url: String) async throws {
    let configuration = try HostConfiguration.load(
      arguments: [], environment: ["MARTLET_BROKER": url, "MARTLET_CONNECTION_OTHER": url], directory: "/nowhere")
    let app = FunctionApp("test") { Function("f", on: .queue(QueueName<String>("in"))) { _, _ in } }
    let error = await #expect(throws: ConfigurationError.self) { _ = try await app.start(configuration) }
    #expect(error?.problems.map(\.place) == ["MARTLET_BROKER", "MARTLET_CONNECTION_OTHER"])
    if url != "s3cret" { #expect(error?.description.contains("s3cret") == false) }
  }
}
