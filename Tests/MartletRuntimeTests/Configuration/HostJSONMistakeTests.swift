import Foundation
import Testing

@testable import MartletRuntime

/// A file with one mistake, and the one line that must say so.
struct HostJSONMistake: CustomTestStringConvertible {
  let file: String
  let message: String

  init(_ file: String, _ message: String) {
    self.file = file
    self.message = message
  }

  var testDescription: String { String(file.prefix(60)) }

  static let syntax = [
    HostJSONMistake("", "host.json:1:1: a value is missing: the end of the file stands here"),
    HostJSONMistake("{", "host.json:1:2: a key in quotation marks is missing: the end of the file stands here"),
    HostJSONMistake("{\n  \"version\" \"2.0\"\n}", "host.json:2:13: \":\" is missing behind the key \"version\""),
    HostJSONMistake(
      "{\r\n\"version\": \"2.0\"\r\n\"retry\": {}}", "host.json:3:1: \",\" or \"}\" is missing: \"\"\" stands here"),
    HostJSONMistake(
      "{\"version\": \"2.0\",}", "host.json:1:19: a key in quotation marks is missing: \"}\" stands here"),
    HostJSONMistake("{\"é\": NaN}", "host.json:1:7: NaN is not a JSON value; text stands in quotation marks"),
    HostJSONMistake("{\"a\": -Infinity}", "host.json:1:7: \"-\" is not a JSON number"),
    HostJSONMistake("{\"a\": 01}", "host.json:1:7: \"01\" is not a JSON number"),
    HostJSONMistake("{\"a\": 1.}", "host.json:1:7: \"1.\" is not a JSON number"),
    HostJSONMistake("{\"a\": \"x\ny\"}", "host.json:1:9: the string is not closed on its line"),
    HostJSONMistake("{\"a\": \"x", "host.json:1:9: the string is not closed"),
    HostJSONMistake("{\"a\": \"\\x\"}", "host.json:1:8: the escape sequence is not valid JSON"),
    HostJSONMistake("{\"a\": \"\\ud800\"}", "host.json:1:8: the escape sequence is not valid JSON"),
    HostJSONMistake("{\"a\": [1, 2}", "host.json:1:12: \",\" or \"]\" is missing: \"}\" stands here"),
    HostJSONMistake("{} {}", "host.json:1:4: \"{\" follows the end of the document"),
    HostJSONMistake("{ /* a\n b", "host.json:1:3: the comment is not closed"),
    HostJSONMistake("{ / }", "host.json:1:3: \"/\" stands where a value or a comment begins"),
    HostJSONMistake(
      String(repeating: "[", count: 100_000), "host.json:1:65: more than 64 levels are nested"),
    HostJSONMistake("[]", "host.json:1:1: is an array; it must be an object"),
  ]

  static let values = [
    HostJSONMistake(#"{"version": "1.0"}"#, #"host.json:1:13 version: is "1.0"; it must be "2.0""#),
    HostJSONMistake(#"{"version": 2}"#, #"host.json:1:13 version: is 2; it must be "2.0""#),
    HostJSONMistake(
      #"{"martlet": {"brokr": "x"}}"#,
      #"host.json:1:23 martlet.brokr: the key "brokr" is not known; did you mean "broker"?"#),
    HostJSONMistake(
      #"{"martlet": {"logging": {"colour": 1}}}"#,
      #"host.json:1:36 martlet.logging.colour: the key "colour" is not known; known are: format, level"#),
    HostJSONMistake(
      #"{"extensions": {"servicebus": {"maxConcurentCalls": 3}}}"#,
      #"host.json:1:53 extensions.servicebus.maxConcurentCalls: the key "maxConcurentCalls" is not known; did you mean "maxConcurrentCalls"?"#
    ),
    HostJSONMistake(
      #"{"martlet": {"maxConcurrentCalls": 0}}"#,
      "host.json:1:36 martlet.maxConcurrentCalls: is 0; it must be a whole number, 1 to 10000"),
    HostJSONMistake(
      #"{"martlet": {"maxConcurrentCalls": -3}}"#,
      "host.json:1:36 martlet.maxConcurrentCalls: is -3; it must be a whole number, 1 to 10000"),
    HostJSONMistake(
      #"{"martlet": {"maxConcurrentCalls": 99999999999999999999999}}"#,
      "host.json:1:36 martlet.maxConcurrentCalls: is 99999999999999999999999; it must be a whole number, 1 to 10000"),
    HostJSONMistake(
      #"{"martlet": {"maxConcurrentCalls": 1.5}}"#,
      "host.json:1:36 martlet.maxConcurrentCalls: is 1.5; it must be a whole number, 1 to 10000"),
    HostJSONMistake(
      #"{"martlet": {"maxConcurrentCalls": "16"}}"#,
      #"host.json:1:36 martlet.maxConcurrentCalls: is "16"; it must be a whole number, 1 to 10000"#),
    HostJSONMistake(
      #"{"martlet": {"lease": "5m 3"}}"#,
      #"host.json:1:23 martlet.lease: is "5m 3"; it must be a time as hh:mm:ss or d.hh:mm:ss, 00:00:01 to 00:10:00"#),
    HostJSONMistake(
      #"{"martlet": {"lease": 10}}"#,
      "host.json:1:23 martlet.lease: is 10; it must be a time as hh:mm:ss or d.hh:mm:ss, 00:00:01 to 00:10:00"),
    HostJSONMistake(
      #"{"martlet": {"lease": "-1"}}"#,
      #"host.json:1:23 martlet.lease: is "-1"; it must be a time as hh:mm:ss or d.hh:mm:ss, 00:00:01 to 00:10:00"#),
    HostJSONMistake(
      #"{"martlet": {"drainTimeout": "02:00:00"}}"#,
      #"host.json:1:30 martlet.drainTimeout: is "02:00:00"; it must be a time as hh:mm:ss or d.hh:mm:ss, 00:00:00 to 01:00:00"#
    ),
    HostJSONMistake(
      #"{"functionTimeout": "24:00:00"}"#,
      #"host.json:1:21 functionTimeout: is "24:00:00"; it must be a time as hh:mm:ss or d.hh:mm:ss, 00:00:00.001 to 365.00:00:00, or -1 for no limit"#
    ),
    HostJSONMistake(
      #"{"martlet": {"allowVolatile": "yes"}}"#,
      #"host.json:1:31 martlet.allowVolatile: is "yes"; it must be true or false"#),
    HostJSONMistake(
      #"{"martlet": {"maxMessageBytes": 1}}"#,
      "host.json:1:33 martlet.maxMessageBytes: is 1; it must be a whole number, 1024 to 134217728"),
    HostJSONMistake(
      #"{"martlet": {"logging": {"level": "loud"}}}"#,
      #"host.json:1:35 martlet.logging.level: is "loud"; it must be trace, debug, information, warning, error, critical"#
    ),
    HostJSONMistake(
      #"{"martlet": {"logging": {"format": "xml"}}}"#,
      #"host.json:1:36 martlet.logging.format: is "xml"; it must be text, json"#),
    HostJSONMistake(
      #"{"martlet": {"broker": 5}}"#, "host.json:1:24 martlet.broker: must be a text, a broker's URL"),
    HostJSONMistake(
      #"{"martlet": {"broker": ""}}"#, "host.json:1:24 martlet.broker: is empty; give it a value or leave it out"),
    HostJSONMistake(
      #"{"martlet": {"broker": "%SHOP_BROKER%"}}"#,
      "host.json:1:24 martlet.broker: names the variable SHOP_BROKER, which is not set"),
    HostJSONMistake(
      #"{"martlet": {"connections": {"a b": "embedded:"}}}"#,
      "host.json:1:37 martlet.connections.a b: the name of a connection may hold letters, digits, - and _ only"),
    HostJSONMistake(
      #"{"martlet": {"connections": []}}"#, "host.json:1:29 martlet.connections: is an array; it must be an object"),
    HostJSONMistake(
      #"{"functions": "bill"}"#, #"host.json:1:15 functions: is "bill"; it must be an array of function names"#),
    HostJSONMistake(#"{"functions": ["bill", 5]}"#, "host.json:1:24 functions[1]: is 5; it must be a text"),
    HostJSONMistake(
      "{\n\"version\": \"2.0\",\n \"Version\": \"2.0\"}",
      "host.json:3:2 Version: the key is there twice; first in line 2"),
    HostJSONMistake(
      #"{"extensions": {"queues": {"batchSize": 33}}}"#,
      "host.json:1:41 extensions.queues.batchSize: is 33; it must be a whole number, 1 to 32"),
    HostJSONMistake(
      #"{"extensions": {"rabbitMQ": {"prefetchCount": 65536}}}"#,
      "host.json:1:47 extensions.rabbitMQ.prefetchCount: is 65536; it must be a whole number, 1 to 65535"),
  ]

  static let retries = [
    HostJSONMistake(
      #"{"retry": 5}"#, #"host.json:1:11 retry: is 5; it must be an object with "strategy" and "maxRetryCount""#),
    HostJSONMistake(
      #"{"retry": {"maxRetryCount": 3}}"#,
      #"host.json:1:11 retry: "strategy" is missing: fixedDelay or exponentialBackoff"#),
    HostJSONMistake(
      #"{"retry": {"strategy": "linear", "maxRetryCount": 3}}"#,
      #"host.json:1:24 retry.strategy: is "linear"; it must be fixedDelay, exponentialBackoff"#),
    HostJSONMistake(
      #"{"retry": {"strategy": "fixedDelay", "delayInterval": "00:00:01"}}"#,
      #"host.json:1:11 retry: "maxRetryCount" is missing: 0 or more, or -1 for no end"#),
    HostJSONMistake(
      #"{"retry": {"strategy": "fixedDelay", "maxRetryCount": 3}}"#,
      #"host.json:1:11 retry: "delayInterval" is missing: the wait before each retry, as hh:mm:ss"#),
    HostJSONMistake(
      #"{"retry": {"strategy": "exponentialBackoff", "maxRetryCount": -2}}"#,
      "host.json:1:63 retry.maxRetryCount: is -2; it must be a whole number, -1 or more"),
    HostJSONMistake(
      #"{"retry": {"strategy": "exponentialBackoff", "maxRetryCount": 2, "delayInterval": "00:00:01"}}"#,
      "host.json:1:83 retry.delayInterval: belongs to the strategy fixedDelay; exponentialBackoff has minimumInterval and maximumInterval"
    ),
    HostJSONMistake(
      #"{"retry": {"strategy": "exponentialBackoff", "maxRetryCount": 2, "minimumInterval": "00:00:10", "maximumInterval": "00:00:05"}}"#,
      "host.json:1:11 retry: maximumInterval is 00:00:05; it must be minimumInterval (00:00:10) to 30.00:00:00"),
    HostJSONMistake(
      #"{"retry": {"strategy": "fixedDelay", "maxRetryCount": 2, "delayIntervall": "00:00:01"}}"#,
      #"host.json:1:76 retry.delayIntervall: the key "delayIntervall" is not known; did you mean "delayInterval"?"#),
  ]
}

struct HostJSONMistakeTests {
  @Test(arguments: HostJSONMistake.syntax + HostJSONMistake.values)
  func `says where and what`(_ mistake: HostJSONMistake) throws {
    let problems = try ConfigurationFixture.read(mistake.file).problems.map(\.description)
    #expect(problems == [mistake.message])
  }

  @Test(arguments: HostJSONMistake.retries)
  func `checks retry policies`(_ mistake: HostJSONMistake) throws {
    let problems = try ConfigurationFixture.read(mistake.file).problems.map(\.description)
    #expect(problems.first == mistake.message)
  }

  @Test func `reports every mistake in one error`() throws {
    let fixture = try ConfigurationFixture(#"{"version": 3, "martlet": {"lease": "1", "what": 1}, "retry": {}}"#)
    defer { fixture.remove() }
    let error = #expect(throws: ConfigurationError.self) {
      try HostConfiguration.load(
        arguments: ["--broker", "--log-level", "x"], environment: ["MARTLET_DRAIN_TIMEOUT": "soon"],
        directory: fixture.directory.path())
    }
    let places = error?.problems.map(\.place) ?? []
    #expect(
      places == [
        "--broker", "host.json:1:13 version", "host.json:1:37 martlet.lease", "host.json:1:50 martlet.what",
        "host.json:1:63 retry", "host.json:1:63 retry", "MARTLET_DRAIN_TIMEOUT", "--log-level",
      ])
    #expect(error?.description.hasPrefix("the configuration has 8 mistakes:\n  - --broker: needs a value\n") == true)
  }

  @Test func `refuses files that cannot be meant`() throws {
    let large = try ConfigurationFixture(data: Data(repeating: 0x20, count: 10 << 20))
    #expect(large.read().problems.map(\.description) == ["host.json: has 10485760 bytes; at most 1048576 are read"])
    large.remove()
    let wide = try ConfigurationFixture(data: "{}".data(using: .utf16))
    #expect(wide.read().problems.map(\.description) == ["host.json: is UTF-16; save it as UTF-8"])
    wide.remove()
    let binary = try ConfigurationFixture(data: Data([0x7b, 0xff, 0x7d]))
    #expect(binary.read().problems.map(\.description) == ["host.json: is not UTF-8 text"])
    binary.remove()
    let none = try ConfigurationFixture()
    defer { none.remove() }
    #expect(none.read(["--host-json", "/dev/zero"]).problems.map(\.description) == ["/dev/zero: is not a file"])
    #expect(
      none.read(["--host-json", "app.json"]).problems.map(\.description) == [
        "--host-json: the file \"app.json\" does not exist"
      ])
    #expect(none.read().problems.isEmpty)
  }
}
