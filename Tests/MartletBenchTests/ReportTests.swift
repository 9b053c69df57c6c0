import CBaseline
import Foundation
import Testing

@testable import MartletBench

@Suite struct ReportTests {
  private func cost(seconds: Double, client: Double, broker: Double = 800_000, megabytes: Double = 20) -> SideCost {
    SideCost(
      baseline_cost(seconds: seconds, clientMicros: client, brokerMicros: broker, peakRSSMegabytes: megabytes),
      messages: 100_000)
  }

  private func comparison(_ arguments: [String], baselineMicros: Double) throws -> Comparison {
    Comparison(
      arguments: try Arguments(arguments), system: .redis, messages: 100_000,
      martlet: cost(seconds: 1, client: 500_000), baseline: cost(seconds: 0.8, client: baselineMicros * 100_000))
  }

  @Test func theLineForProgramsHasExactlyTheseMembers() throws {
    let line = Report.write(try comparison(["publish", "-o", "json"], baselineMicros: 1.5))
    let valid = line.replacing(/,"valid":false,"invalidReason":"[^"]*"/, with: "")
    #expect(
      valid == """
        {"scenario":"publish","broker":"redis","payload":"json","bodyBytes":256,"messages":100000,\
        "martlet":{"perSecond":100000,"clientMicros":5.00,"peakRSSMegabytes":20.0},\
        "baseline":{"perSecond":125000,"clientMicros":1.50,"peakRSSMegabytes":20.0},\
        "ratio":0.800,"brokerMicros":8.00}
        """)
  }

  @Test func theLineOfHubsSaysWhereThePositionsAre() throws {
    let line = Report.write(try comparison(["hub-pipe", "--partitions", "16", "-o", "json"], baselineMicros: 1.5))
    #expect(line.contains(#""scenario":"hub-pipe""#))
    #expect(line.contains(#""messages":100000,"partitions":16,"trigger":"batch","store":"redis","martlet":"#))
    let text = Report.write(try comparison(["hub-consume"], baselineMicros: 1.5))
    #expect(text.contains("hub-consume on redis"))
    #expect(text.contains("4 partitions, batch trigger, positions in redis"))
  }

  @Test func aSlowBaselineIsAProblem() throws {
    #expect(try comparison(["pipe"], baselineMicros: 2.49).baselineProblem == nil)
    #expect(try comparison(["pipe"], baselineMicros: 2.51).baselineProblem?.contains("2.51") == true)
    #expect(try comparison(["pipe", "--body", "1280"], baselineMicros: 3.4).baselineProblem == nil)
    #expect(try comparison(["consume"], baselineMicros: 9).baselineProblem == nil)
  }

  @Test func anInvalidResultSaysSo() throws {
    let result = try comparison(["pipe", "-o", "json"], baselineMicros: 2.51)
    #expect(result.invalidReason != nil)
    #expect(Report.write(result).contains(#","valid":false,"invalidReason":""#))
    #expect(Report.write(try comparison(["pipe"], baselineMicros: 2.51)).contains("INVALID: "))
  }

  @Test func mediansAreTakenFigureByFigure() {
    let median = SideCost(medianOf: [
      cost(seconds: 1, client: 300_000), cost(seconds: 4, client: 100_000), cost(seconds: 2, client: 200_000),
    ])
    #expect(median.perSecond == 50_000)
    #expect(median.clientMicros == 2)
    #expect(median.brokerMicros == 8)
  }

  @Test func anUnknownBrokerProcessIsNoFigure() {
    #expect(cost(seconds: 1, client: 1, broker: -1).brokerMicros == nil)
    #expect(SideCost(medianOf: [cost(seconds: 1, client: 1, broker: -1)]).brokerMicros == nil)
  }
}
