import Foundation
import Testing

@testable import MartletRuntime

struct BrokerPasswordTests {
  @Test(arguments: [
    ("amqp://shop:geheim@mq.example:5672/orders", true),
    ("amqp://shop@mq.example/orders", false),
    ("amqp://shop:@mq.example", false),
    ("amqp://mq.example:5672/a@b", false),
    ("amqps://[::1]:5671/%2f", false),
    ("amqps://u:p@[::1]:5671/%2f", true),
    ("amqp://u:p/w@mq.example/%2f", true),
    ("amqp://u:p#w@mq.example/", true),
    ("amqp://u:p@w@mq.example/", true),
    ("redis://:geheim@cache.example", true),
    ("redis://cache.example:6379/0", false),
    ("redis://cache.example?password=geheim", true),
    ("embedded:/data/a:b@c", false),
  ])
  func `finds a password`(url: String, isThere: Bool) {
    #expect(BrokerPassword.isIn(url) == isThere)
  }

  @Test(arguments: [
    ("amqp://shop@mq.example:5672/a", "geheim", "amqp://shop:geheim@mq.example:5672/a"),
    ("amqp://shop:alt@mq.example/%2f", "p@/:%ü", "amqp://shop:p%40%2F%3A%25%C3%BC@mq.example/%2f"),
    ("redis://cache.example/1", "x", "redis://:x@cache.example/1"),
    ("rediss://[::1]:6379", "x", "rediss://:x@[::1]:6379"),
    ("embedded:data", "x", "embedded:data"),
  ])
  func `puts a password in`(url: String, password: String, expected: String) {
    #expect(BrokerPassword.put(password, into: url) == expected)
  }

  @Test(arguments: [["--broker", "amqp://u:geheim@h"], ["--connection", "a=redis://:geheim@h"]])
  func `refuses one on the command line, and does not repeat it`(arguments: [String]) throws {
    let configuration = try ConfigurationFixture.read(arguments: arguments)
    let text = ConfigurationError(configuration.problems).description
    #expect(text.contains("holds a password"))
    #expect(text.contains("_PASSWORD_FILE"))
    #expect(!text.contains("geheim"))
  }

  @Test(arguments: ["amqp://guest:guest@127.0.0.1:5672", "amqps://guest:guest@h/v"])
  func `takes RabbitMQ's public one from the command line`(url: String) throws {
    #expect(try ConfigurationFixture.read(arguments: ["--broker", url]).problems.isEmpty)
  }

  @Test(arguments: ["amqp://guest:guest@x:geheim@h", "amqp://guest:guest@h/?password=geheim"])
  func `is not fooled by what looks like it`(url: String) throws {
    #expect(try !ConfigurationFixture.read(arguments: ["--broker", url]).problems.isEmpty)
  }

  @Test func `takes one from a variable or a file`() throws {
    let fixture = try ConfigurationFixture()
    defer { fixture.remove() }
    let password = try fixture.write("password", "geheim\n")
    let url = try fixture.write("url", "amqp://u@h/v\r\n")
    let configuration = fixture.read(
      ["--broker", "amqp://u@h"],
      [
        "MARTLET_BROKER_PASSWORD_FILE": password, "MARTLET_CONNECTION_A_FILE": url,
        "MARTLET_CONNECTION_A_PASSWORD": "p w",
      ])
    #expect(configuration.problems.isEmpty)
    #expect(configuration.broker == "amqp://u:geheim@h")
    #expect(configuration.connections == ["a": "amqp://u:p%20w@h/v"])
  }

  @Test func `one of two places only`() throws {
    let configuration = try ConfigurationFixture.read(
      environment: ["MARTLET_BROKER": "redis://:geheim@h", "MARTLET_BROKER_FILE": "/x"])
    #expect(
      configuration.problems.map(\.description) == [
        "MARTLET_BROKER_FILE: is set together with MARTLET_BROKER; set one of the two"
      ])
  }

  @Test func `no message shows a URL from the configuration`() throws {
    let secret = "redis://:geheim@h"
    let configuration = try ConfigurationFixture.read(
      #"{"martlet": {"broker": ["\#(secret)"], "connections": {"a/b": "\#(secret)"}, "brokr": "\#(secret)"}}"#,
      environment: ["MARTLET_BROKER_FILE": "/dev/null", "MARTLET_CONNECTION_A!": secret])
    #expect(configuration.problems.count == 5)
    #expect(!ConfigurationError(configuration.problems).description.contains("geheim"))
  }
}
