import Testing

@testable import MartletRuntime

struct PrefetchPaceTests {
  @Test func `follows what a tenth of a second uses up, in large steps`() {
    var pace = PrefetchPace(base: 32, isFixed: false)
    #expect(pace.next(finished: 0, now: .milliseconds(0)) == nil, "the first look has nothing to compare with")
    #expect(pace.next(finished: 100, now: .milliseconds(199)) == nil, "too early")
    #expect(pace.next(finished: 2000, now: .milliseconds(200)) == 1000)
    #expect(pace.next(finished: 4400, now: .milliseconds(400)) == nil, "20 % more is not worth telling")
    #expect(pace.next(finished: 14_400, now: .milliseconds(600)) == 2000, "the most")
    #expect(pace.next(finished: 14_400, now: .milliseconds(800)) == 32, "never below the base")
    #expect(pace.next(finished: 14_400, now: .milliseconds(1000)) == nil)
  }

  @Test func `grows at once where it is used up many times over`() {
    var pace = PrefetchPace(base: 32, isFixed: false)
    #expect(pace.next(finished: 0, now: .milliseconds(0)) == nil)
    #expect(pace.next(finished: 150, now: .milliseconds(19)) == nil, "too early to be more than a burst")
    #expect(pace.next(finished: 160, now: .milliseconds(20)) == 2000, "of the pace most was waiting")
    #expect(pace.next(finished: 3600, now: .milliseconds(219)) == nil, "what it holds now lasts")
    #expect(pace.next(finished: 3700, now: .milliseconds(220)) == nil)
    #expect(pace.next(finished: 3700, now: .milliseconds(420)) == 32)
  }

  @Test func `a few quick ones are no pace`() {
    var pace = PrefetchPace(base: 2, isFixed: false)
    #expect(pace.next(finished: 0, now: .milliseconds(0)) == nil)
    #expect(pace.next(finished: 99, now: .milliseconds(20)) == nil, "the slow ones behind them are for others too")
    #expect(pace.next(finished: 99, now: .milliseconds(200)) == 49)
  }

  @Test(arguments: [false, true])
  func `a limit is kept at once, and left when it grows`(isFixed: Bool) {
    var pace = PrefetchPace(base: 64, isFixed: isFixed)
    #expect(pace.begin(limit: 32) == 32)
    #expect(pace.next(finished: 0, limit: 32, now: .milliseconds(0)) == nil)
    #expect(pace.next(finished: 1, limit: 20, now: .milliseconds(10)) == 20)
    #expect(pace.next(finished: 1, limit: 20, now: .milliseconds(300)) == nil)
    #expect(pace.next(finished: 2, limit: 1000, now: .milliseconds(600)) == 64)
    #expect(pace.next(finished: 2, limit: 1000, now: .milliseconds(900)) == nil)
  }

  @Test func `a fixed one does not follow`() {
    var pace = PrefetchPace(base: 32, isFixed: true)
    for step in 0..<10 {
      #expect(pace.next(finished: UInt64(step) * 100_000, now: .milliseconds(Double(step) * 200)) == nil)
    }
  }
}
