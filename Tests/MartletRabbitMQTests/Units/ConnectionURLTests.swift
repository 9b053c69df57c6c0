import MartletCore
import Testing

@testable import MartletRabbitMQ

@Suite struct ConnectionURLTests {
  @Test(arguments: [
    ("amqp://host", "host", 5672, "guest", "guest", "/"),
    ("amqp://host/", "host", 5672, "guest", "guest", "/"),
    ("amqp://user:pa%40ss@host:1234/shop", "host", 1234, "user", "pa@ss", "shop"),
    ("amqp://user:a@b@host", "host", 5672, "user", "a@b", "/"),
    ("AMQP://user@[::1]:99/%2fa%2Fb", "::1", 99, "user", "", "/a/b"),
    ("amqp://user:p:q@10.0.0.1", "10.0.0.1", 5672, "user", "p:q", "/"),
  ])
  func reads(text: String, host: String, port: UInt16, user: String, password: String, virtualHost: String) throws {
    let url = try ConnectionURL(text)
    #expect(url.host == host)
    #expect(url.port == port)
    #expect(url.user == user)
    #expect(url.password == password)
    #expect(url.virtualHost == virtualHost)
  }

  @Test(arguments: [
    "", "host", "redis://host", "amqps://u:canary@host", "amqp://", "amqp://u:canary@", "amqp://u:canary@:5672",
    "amqp://u:canary@host:0", "amqp://u:canary@host:70000", "amqp://u:canary@host:x", "amqp://u:canary@a,b",
    "amqp://u:canary%4@host", "amqp://u:canary%00@host", "amqp://u:canary%ff@host", "amqp://u:canary@host/a/b",
    "amqp://u:canary@host/?heartbeat=1", "amqp://u:canary@[::1", "amqp://u:canary@[::1]x",
    "amqp://u:canary@host/" + String(repeating: "v", count: 256),
  ])
  func refusesWithoutTheSecret(text: String) {
    let error = #expect(throws: BrokerError.self) { try ConnectionURL(text) }
    #expect(error?.code == .configuration)
    #expect(error?.message.contains("canary") == false)
  }

  @Test func saysNoSecret() throws {
    #expect("\(try ConnectionURL("amqp://u:canary@host/shop"))" == "host:5672/shop")
    #expect("\(try ConnectionURL("amqp://u:canary@[::1]"))" == "[::1]:5672")
  }
}
