import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

struct ConfigurationLayersTests {
  @Test func `flag before variable before override before file before default`() throws {
    let file = #"{"martlet": {"broker": "embedded:file", "logging": {"level": "error"}}}"#
    let override = ["AzureFunctionsJobHost__martlet__broker": "embedded:override"]
    let variable = ["MARTLET_BROKER": "embedded:variable", "MARTLET_LOG_LEVEL": "warn"]
    let flags = ["run", "--broker", "embedded:flag", "--input", "x.csv", "--log-level=debug"]
    func read(_ file: String?, _ arguments: [String], _ environment: [String: String]) throws -> (String, LogLevel) {
      let configuration = try ConfigurationFixture.read(file, arguments: arguments, environment: environment)
      #expect(configuration.problems.isEmpty)
      return (configuration.broker, configuration.logger.level)
    }
    #expect(try read(nil, [], [:]) == ("embedded:./data", .information))
    #expect(try read(file, [], [:]) == ("embedded:file", .error))
    #expect(try read(file, [], override) == ("embedded:override", .error))
    #expect(try read(file, [], override.merging(variable) { $1 }) == ("embedded:variable", .warning))
    #expect(try read(file, flags, override.merging(variable) { $1 }) == ("embedded:flag", .debug))
  }

  @Test func `variables of every kind`() throws {
    let configuration = try ConfigurationFixture.read(
      environment: [
        "MARTLET_APP": "shop", "MARTLET_DRAIN_TIMEOUT": "00:01:00", "MARTLET_LEASE": "00:00:20",
        "MARTLET_MAX_MESSAGE_BYTES": "4096", "MARTLET_ALLOW_VOLATILE": "1", "MARTLET_LOG_FORMAT": "json",
        "MARTLET_CONNECTION_ORDER_STORE": "redis://a.example", "MARTLET_TEST_OF_SOMEBODY": "x",
        "AzureWebJobs.bill.Disabled": "true", "AzureWebJobs_page_Disabled": "1", "AzureWebJobs.ship.Disabled": "false",
        "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls": "4",
        "AzureFunctionsJobHost__retry__strategy": "fixedDelay",
        "AzureFunctionsJobHost__retry__maxRetryCount": "-1",
        "AzureFunctionsJobHost__retry__delayInterval": "00:00:03",
        "AzureFunctionsJobHost:functionTimeout": "-1",
      ])
    #expect(configuration.problems.isEmpty)
    #expect(configuration.app == "shop")
    #expect(configuration.drainTimeout == .seconds(60))
    #expect(configuration.lease == .seconds(20))
    #expect(configuration.maxMessageBytes == 4096)
    #expect(configuration.allowVolatile)
    #expect(configuration.connection("order-store") == "redis://a.example")
    #expect(configuration.connection("Order_Store") == "redis://a.example")
    #expect(configuration.connection("orders") == nil)
    #expect(configuration.disabledFunctions.sorted() == ["bill", "page"])
    #expect(
      configuration.options
        == FunctionOptions(
          maxConcurrentCalls: 4, functionTimeout: .seconds(-1),
          retry: .fixedDelay(maxRetryCount: -1, delayInterval: .seconds(3))))
  }

  @Test func `overrides change parts of the file`() throws {
    let configuration = try ConfigurationFixture.read(
      #"{"functions": ["bill", "page"], "martlet": {"functions": {"bill": {"maxDequeueCount": 2}}}}"#,
      environment: [
        "AzureFunctionsJobHost__functions__1": "ship",
        "AzureFunctionsJobHost__Martlet__Functions__bill__maxDequeueCount": "6",
        "AzureFunctionsJobHost__martlet__functions__page__prefetchCount": "3",
      ])
    #expect(configuration.problems.isEmpty)
    #expect(configuration.activeFunctions == ["bill", "ship"])
    #expect(configuration.functions["bill"]?.maxDequeueCount == 6)
    #expect(configuration.functions["page"]?.prefetchCount == 3)
  }

  @Test(arguments: [
    ("MARTLET_LEASE", "", "MARTLET_LEASE: is empty; give it a value or unset it"),
    ("MARTLET_BROKER", "", "MARTLET_BROKER: is empty; give it a value or unset it"),
    (
      "MARTLET_LEASE", "0",
      #"MARTLET_LEASE: is "0"; it must be a time as hh:mm:ss or d.hh:mm:ss, 00:00:01 to 00:10:00"#
    ),
    (
      "MARTLET_MAX_MESSAGE_BYTES", "1e6",
      #"MARTLET_MAX_MESSAGE_BYTES: is "1e6"; it must be a whole number, 1024 to 134217728"#
    ),
    ("MARTLET_ALLOW_VOLATILE", "maybe", #"MARTLET_ALLOW_VOLATILE: is "maybe"; it must be true or false"#),
    ("MARTLET_LOG_FORMAT", "TXT", #"MARTLET_LOG_FORMAT: is "TXT"; it must be text, json"#),
    ("MARTLET_BROKR", "x", "MARTLET_BROKR: the variable is not known; did you mean MARTLET_BROKER?"),
    ("AzureWebJobs.bill.Disabled", "off", #"AzureWebJobs.bill.Disabled: is "off"; it must be true or false"#),
    (
      "AzureFunctionsJobHost__martlet__lease", "x",
      #"AzureFunctionsJobHost__martlet__lease: is "x"; it must be a time as hh:mm:ss or d.hh:mm:ss, 00:00:01 to 00:10:00"#
    ),
    ("MARTLET_BROKER_FILE", "/no/such/file", #"MARTLET_BROKER_FILE: the file "/no/such/file" does not exist"#),
    (
      "MARTLET_CONNECTION_A_PASSWORD", "x",
      "MARTLET_CONNECTION_A_PASSWORD: is the password of a connection that has no URL"
    ),
  ])
  func `a wrong variable`(name: String, value: String, message: String) throws {
    let configuration = try ConfigurationFixture.read(environment: [name: value])
    #expect(configuration.problems.map(\.description) == [message])
  }

  @Test(arguments: [
    (["--broker"], "--broker: needs a value"),
    (["--broker", "--log-level", "debug"], "--broker: needs a value"),
    (["--broker="], "--broker: needs a value"),
    (["--broker", "embedded:a", "--broker=embedded:b"], "--broker: is there twice"),
    (["--connection", "embedded:a"], "--connection: must be NAME=URL"),
    (["--connection", "=embedded:a"], "--connection: must be NAME=URL"),
    (
      ["--connection", "a.b=embedded:a"],
      "--connection a.b: the name of a connection may hold letters, digits, - and _ only"
    ),
    (["--log-level", "0"], #"--log-level: is "0"; it must be trace, debug, information, warning, error, critical"#),
  ])
  func `a wrong flag`(arguments: [String], message: String) throws {
    let configuration = try ConfigurationFixture.read(arguments: arguments)
    #expect(configuration.problems.map(\.description) == [message])
  }

  @Test func `flags of the app are left alone`() throws {
    let configuration = try ConfigurationFixture.read(
      arguments: ["--brokers", "3", "-o", "json", "--", "--broker"])
    #expect(configuration.problems.isEmpty)
    #expect(configuration.broker == "embedded:./data")
  }

  @Test func `several connections by flag`() throws {
    let configuration = try ConfigurationFixture.read(
      arguments: ["--connection", "a=embedded:a", "--connection=b-c=redis://h/0?x=y"])
    #expect(configuration.problems.isEmpty)
    #expect(configuration.connections == ["a": "embedded:a", "b_c": "redis://h/0?x=y"])
  }
}
