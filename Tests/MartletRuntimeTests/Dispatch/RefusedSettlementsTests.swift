import MartletCore
import Testing

@testable import MartletRuntime

struct RefusedSettlementsTests {
  private static let refusal = BrokerError(.permission, "no", isRetriable: true)

  private static func retry(_ number: UInt64, after delay: Duration = .zero) -> RefusedSettlements.Outcome {
    .init(deliveries: [.sample(number)], settlements: [.retry(.sample(number), after: delay)])
  }

  private static func texts(_ outcomes: [RefusedSettlements.Outcome]) -> [String] {
    outcomes.flatMap { $0.settlements.map(\.text) }
  }

  @Test func `waits grow up to half a minute, jittered`() {
    var refused = RefusedSettlements(instance: "a")
    var now = MonotonicTime.milliseconds(0)
    var waits: [Double] = []
    for _ in 0..<12 {
      _ = refused.keep(Self.retry(1), Self.refusal, now: now)
      let begin = now
      while refused.takeDue(now: now).isEmpty { now = now + .milliseconds(5) }
      waits.append(Double(now.nanoseconds(since: begin)) / 1_000_000)
    }
    for (index, wait) in waits.enumerated() {
      let step = min(100 * Double(1 << index), 30_000)
      #expect(wait >= step / 2 && wait <= step + 10, "wait \(index)")
    }
    #expect(Set(waits.suffix(4)).count > 1, "the longest ones differ too")
  }

  @Test func `a delayed retry comes back when it was to, and then needs no delay`() {
    var refused = RefusedSettlements(instance: "a")
    _ = refused.keep(Self.retry(1, after: .milliseconds(150)), Self.refusal, now: .milliseconds(0))
    #expect(Self.texts(refused.takeDue(now: .milliseconds(100))) == ["retry 1 after 50.0"])
    _ = refused.keep(Self.retry(1, after: .milliseconds(50)), Self.refusal, now: .milliseconds(100))
    #expect(Self.texts(refused.takeDue(now: .milliseconds(300))) == ["retry 1 after 0.0"])
  }

  @Test func `is said once, and again when the reason changes or all was settled`() {
    var refused = RefusedSettlements(instance: "a")
    let full = BrokerError(.exhausted, "full", isRetriable: true)
    var news: [Bool] = []
    news.append(refused.keep(Self.retry(1), Self.refusal, now: .milliseconds(0)))
    news.append(refused.keep(Self.retry(2), Self.refusal, now: .milliseconds(0)))
    news.append(refused.keep(Self.retry(2), full, now: .milliseconds(0)))
    #expect(news == [true, false, true])
    #expect(Self.texts(refused.takeDue(now: .milliseconds(1000))) == ["retry 1 after 0.0", "retry 2 after 0.0"])
    let ends = [1, 2, 2].map { refused.forgetSettled(in: [.sample($0)]) }
    #expect(ends == [false, true, false])
    #expect(refused.isEmpty)
    let isNews = refused.keep(Self.retry(3), full, now: .milliseconds(2000))
    #expect(isNews)
  }

  @Test func `what waits is not settled by the answer to another group`() {
    var refused = RefusedSettlements(instance: "a")
    _ = refused.keep(Self.retry(1), Self.refusal, now: .milliseconds(0))
    let isOver = refused.forgetSettled(in: [.sample(1)])
    #expect(!isOver && !refused.isEmpty)
  }

  @Test func `what is no longer held is forgotten`() {
    var refused = RefusedSettlements(instance: "a")
    _ = refused.keep(Self.retry(1), Self.refusal, now: .milliseconds(0))
    _ = refused.keep(
      .init(deliveries: [.sample(2), .sample(3)], settlements: []), Self.refusal, now: .milliseconds(0))
    let rest = refused.removeAll { $0.generation < 2 }
    #expect(rest.isEmpty)
    #expect(refused.isEmpty)
  }

  @Test func `a drain gives back what waits, once, and keeps nothing`() {
    var state = RunnerState(plan: .sample())
    state.open()
    let isNews = state.keep(Self.retry(1), refusedBy: Self.refusal, now: .milliseconds(0))
    #expect(isNews && !state.isIdle)
    state.drain()
    let commit = state.commitToSend(now: .milliseconds(1))
    #expect(commit?.group.settlements.map(\.text) == ["release 1"])
    let release = RefusedSettlements.Outcome(deliveries: [.sample(1)], settlements: [.release(.sample(1))])
    _ = state.keep(release, refusedBy: Self.refusal, now: .milliseconds(2))
    _ = state.commitEnded(PendingCommit())
    #expect(state.isIdle)
    // A failure that ends during the drain and is refused goes back too.
    _ = state.keep(Self.retry(2), refusedBy: Self.refusal, now: .milliseconds(3))
    #expect(state.commitToSend(now: .milliseconds(4))?.group.settlements.map(\.text) == ["release 2"])
  }
}
