import Testing

@testable import MartletRabbitMQ

@Suite struct IntakeTests {
  @Test func subscribesOnceAndStaysForSmallChanges() {
    var intake = Intake(wanted: 16)
    #expect(on(&intake) { $0.next() } == .subscribe(prefetch: 16, tag: 1))
    #expect(on(&intake) { $0.next() } == .none)
    intake.subscribed()
    for wanted in [16, 15, 14, 18] {
      intake.wanted = wanted
      #expect(on(&intake) { $0.next() } == .none)
    }
  }

  @Test(arguments: [(16, 19), (16, 13), (2, 1), (1, 2), (4, 5), (300, 600)])
  func subscribesAnewForLargeChanges(before: Int, after: Int) {
    var intake = Intake(wanted: before)
    _ = intake.next()
    intake.subscribed()
    intake.wanted = after
    #expect(on(&intake) { $0.next() } == .cancel(tag: 1))
    #expect(on(&intake) { $0.next() } == .none)
    intake.cancelled()
    #expect(on(&intake) { $0.next() } == .subscribe(prefetch: after, tag: 2))
  }

  @Test func aLargerOneWaitsUntilNothingCanBeOnItsWay() {
    var intake = Intake(wanted: 16)
    _ = intake.next()
    intake.subscribed()
    #expect(!intake.mustGrow)
    intake.wanted = 100
    #expect(intake.mustGrow)
    #expect(on(&intake) { $0.next(unacknowledged: 15) } == .none)
    #expect(on(&intake) { $0.next(unacknowledged: 16) } == .cancel(tag: 1))
    #expect(!intake.mustGrow)
    intake.cancelled()
    #expect(on(&intake) { $0.next(unsettled: 16) } == .subscribe(prefetch: 100, tag: 2))
  }

  @Test func aSmallerOneWaitsUntilThereIsRoom() {
    var intake = Intake(wanted: 16)
    _ = intake.next()
    intake.subscribed()
    intake.wanted = 4
    #expect(on(&intake) { $0.next(unacknowledged: 15) } == .none, "more may be on its way")
    #expect(on(&intake) { $0.next(unsettled: 16) } == .cancel(tag: 1))
    intake.cancelled()
    #expect(on(&intake) { $0.next(unsettled: 4) } == .none)
    #expect(on(&intake) { $0.next(unsettled: 3) } == .subscribe(prefetch: 4, tag: 2))
  }

  @Test func aSmallerOneIsMadeInAPause() {
    var intake = Intake(wanted: 16)
    _ = intake.next()
    intake.subscribed()
    intake.wanted = 4
    #expect(on(&intake) { $0.next(isQuiet: true, unacknowledged: 0) } == .cancel(tag: 1))
  }

  @Test func zeroStopsAndMoreResumes() {
    var intake = Intake(wanted: 0)
    #expect(on(&intake) { $0.next() } == .none)
    #expect(intake.isOff)
    intake.wanted = 100_000
    #expect(on(&intake) { $0.next() } == .subscribe(prefetch: 65_535, tag: 1))
    intake.wanted = 0
    // The broker's word is waited for.
    #expect(on(&intake) { $0.next() } == .none)
    intake.subscribed()
    #expect(on(&intake) { $0.next() } == .cancel(tag: 1))
    #expect(!intake.isOff)
    intake.cancelled()
    #expect(intake.isOff)
    #expect(on(&intake) { $0.next() } == .none)
  }
}
