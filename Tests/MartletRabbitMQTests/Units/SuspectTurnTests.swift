import Testing

@testable import MartletRabbitMQ

@Suite struct SuspectTurnTests {
  private let start = ContinuousClock.now

  @Test func asksOnlyForOneAtATime() {
    var turn = SuspectTurn()
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .count([1, 2]))
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .wait(nil))
    turn.counted([1: 3, 2: 0], now: start)
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .get(1))
    turn.mayHave(2)
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .wait(nil))
    turn.came()
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .wait(nil))
    turn.ended(2)
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .wait(nil))
    turn.ended(1)
    // The other one first.
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .get(2))
    turn.cameNot(now: start)
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .get(1))
    turn.cameNot(now: start)
    #expect(on(&turn) { $0.next(now: start, open: [1, 2]) } == .wait(start + SuspectTurn.interval))
    #expect(on(&turn) { $0.next(now: start + .seconds(2), open: [1, 2]) } == .count([1, 2]))
  }

  @Test func aReaderThatIsFullIsPassedOver() {
    var turn = SuspectTurn()
    turn.mayHave(1)
    turn.mayHave(2)
    #expect(on(&turn) { $0.next(now: start, open: [2]) } == .get(2))
    turn.cameNot(now: start)
    #expect(on(&turn) { $0.next(now: start, open: [1]) } == .get(1))
  }

  @Test func aReaderThatEndsLosesItsTurn() {
    var turn = SuspectTurn()
    turn.mayHave(1)
    #expect(on(&turn) { $0.next(now: start, open: [1]) } == .get(1))
    turn.came()
    turn.forget(1)
    #expect(on(&turn) { $0.next(now: start, open: [2]) } == .count([2]))
    #expect(on(&turn) { $0.next(now: start, open: []) } == .wait(nil))
  }

  @Test func looksLessOftenWhereNothingIs() {
    var turn = SuspectTurn()
    var now = start
    for _ in 0..<70 {
      #expect(on(&turn) { $0.next(now: now, open: [1]) } == .count([1]))
      turn.counted([1: 0], now: now)
      guard case .wait(let until?) = turn.next(now: now, open: [1]) else { break }
      now = until
    }
    #expect(on(&turn) { $0.next(now: now, open: [1]) } == .count([1]))
    turn.counted([:], now: now)
    #expect(on(&turn) { $0.next(now: now, open: [1]) } == .wait(now + SuspectTurn.longestInterval))
  }
}
