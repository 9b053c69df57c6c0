import Testing

@testable import MartletBench

@Suite struct ArgumentsTests {
  @Test func everyOptionIsRead() throws {
    let arguments = try Arguments([
      "consume", "--broker", "redis://somewhere", "--payload", "raw", "--body", "1024", "--messages", "5000",
      "--rounds",
      "7", "--broker-pid", "12", "--partitions", "8", "--trigger", "event", "--store", "embedded:/data/positions", "-o",
      "json",
    ])
    #expect(arguments.scenario == .consume)
    #expect(arguments.broker == "redis://somewhere")
    #expect(arguments.payload == .raw)
    #expect(arguments.bodyBytes == 1024)
    #expect(arguments.messages == 5000)
    #expect(arguments.rounds == 7)
    #expect(arguments.brokerPID == 12)
    #expect(arguments.partitions == 8)
    #expect(arguments.trigger == .event)
    #expect(arguments.store == "/data/positions")
    #expect(arguments.format == .json)
    #expect(arguments.side == nil)
  }

  @Test func helpIsNoMistake() async throws {
    #expect(Arguments.wantHelp(["--help"]) && Arguments.wantHelp(["pipe", "-h"]) && !Arguments.wantHelp(["pipe"]))
    let help = try BenchmarkRunTests.run(["--help"], broker: nil)
    #expect(help.code == 0 && help.output.hasPrefix("usage: martlet-bench"))
  }

  @Test func theDefaultsAreTheUsualOnes() throws {
    let arguments = try Arguments(["pipe"])
    #expect(arguments.payload == .json)
    #expect(arguments.bodyBytes == 256)
    #expect(arguments.messages == nil)
    #expect(arguments.rounds == 3)
    #expect(arguments.format == .text)
    #expect(arguments.partitions == 4)
    #expect(arguments.trigger == .batch)
    #expect(arguments.store == nil)
  }

  @Test(arguments: [
    ([], "a scenario is missing"),
    (["stroll"], "\"stroll\" is not known"),
    (["pipe", "consume"], "\"consume\" is not known"),
    (["pipe", "--broker"], "--broker needs a value"),
    (["pipe", "--payload", "xml"], "must be json or raw"),
    (["pipe", "--body", "0"], "between 1 and"),
    (["pipe", "--body", "100"], "an order in JSON has at least"),
    (["pipe", "--rounds", "two"], "between 1 and 1000"),
    (["hub-pipe", "--partitions", "65"], "between 1 and 64"),
    (["hub-pipe", "--trigger", "stream"], "must be batch or event"),
    (["hub-pipe", "--store", "redis://a"], "it must be a file"),
  ])
  func mistakesAreNamed(arguments: [String], expected: String) {
    let error = #expect(throws: UsageError.self) { try Arguments(arguments) }
    #expect(error?.description.contains(expected) == true)
  }

  @Test func aBodyOfBytesMayBeShort() throws {
    #expect(try Arguments(["pipe", "--payload", "raw", "--body", "1"]).bodyBytes == 1)
  }
}
