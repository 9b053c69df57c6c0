import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

struct FunctionPlanTests {
  private struct Broken: Error, CustomStringConvertible { let description = "no paper" }

  private static let trace = TraceContext(traceID: 0xabc, spanID: 1)

  private static func reason(_ settlement: Settlement?) -> DeadLetterReason? {
    if case .deadLetter(_, let reason)? = settlement { reason } else { nil }
  }

  // MARK: After a failure

  @Test func `a failure comes back until the attempts are spent`() {
    let plan = FunctionPlan.sample(FunctionOptions(maxDequeueCount: 3, visibilityTimeout: .seconds(2)))
    let after = (1...4).map { plan.settlement(of: .sample(7, attempt: $0), after: Broken()).text }
    #expect(
      after == [
        "retry 7 after 2000.0", "retry 7 after 2000.0", "dead 7 MaxDeliveryCountExceeded",
        "dead 7 MaxDeliveryCountExceeded",
      ])
  }

  @Test func `five attempts at once where nothing is said`() {
    let plan = FunctionPlan.sample()
    #expect(plan.settlement(of: .sample(7, attempt: 4), after: Broken()).text == "retry 7 after 0.0")
    #expect(plan.settlement(of: .sample(7, attempt: 5), after: Broken()).text == "dead 7 MaxDeliveryCountExceeded")
  }

  @Test func `a retry policy decides if there is one`() {
    let plan = FunctionPlan.sample(
      FunctionOptions(
        maxDequeueCount: 1, visibilityTimeout: .seconds(9),
        retry: .fixedDelay(maxRetryCount: 2, delayInterval: .seconds(1), immediateRetryCount: 1)))
    let after = (1...3).map { plan.settlement(of: .sample(7, attempt: $0), after: Broken()).text }
    #expect(after == ["retry 7 after 0.0", "retry 7 after 1000.0", "dead 7 MaxDeliveryCountExceeded"])
  }

  @Test func `-1 is without end, 0 is one attempt`() {
    let endless = FunctionPlan.sample(FunctionOptions(retry: .fixedDelay(maxRetryCount: -1, delayInterval: .zero)))
    #expect(endless.settlement(of: .sample(7, attempt: 1_000_000), after: Broken()).text == "retry 7 after 0.0")
    let once = FunctionPlan.sample(FunctionOptions(retry: .fixedDelay(maxRetryCount: 0, delayInterval: .zero)))
    #expect(once.settlement(of: .sample(7), after: Broken()).text == "dead 7 MaxDeliveryCountExceeded")
  }

  @Test func `a thrown outcome knows better`() {
    let plan = FunctionPlan.sample(FunctionOptions(maxDequeueCount: 2, visibilityTimeout: .seconds(2)))
    func text(_ outcome: Outcome, attempt: Int = 1) -> String {
      plan.settlement(of: .sample(7, attempt: attempt), after: outcome).text
    }
    #expect(text(.retry(after: .seconds(30))) == "retry 7 after 30000.0")
    #expect(text(.retry(after: nil)) == "retry 7 after 2000.0")
    #expect(text(.retry(after: .seconds(-1))) == "retry 7 after 0.0")
    #expect(text(.retry(after: .seconds(30)), attempt: 2) == "dead 7 MaxDeliveryCountExceeded", "it counts")
    #expect(text(.deadLetter("no such customer")) == "dead 7 Rejected")
  }

  @Test func `what cannot be decoded is dead at once`() {
    let plan = FunctionPlan.sample()
    let settlement = plan.settlement(of: .sample(7), after: Undecodable(underlying: Broken()))
    #expect(settlement.text == "dead 7 Undecodable")
    #expect(Self.reason(settlement)?.errorText == "no paper")
  }

  @Test func `a dead letter says everything`() {
    var delivery = Delivery.sample(7, attempt: 5)
    delivery.message.trace = Self.trace
    let reason = Self.reason(FunctionPlan.sample().settlement(of: delivery, after: Broken()))
    #expect(reason?.function == "bill")
    #expect(reason?.errorType?.hasSuffix("FunctionPlanTests.Broken") == true)
    #expect(reason?.errorText == "no paper")
    #expect(reason?.attempts == 5)
    #expect(reason?.source == .queue("orders"))
    #expect(reason?.traceID == "00000000000000000000000000000abc")
    #expect(abs(reason?.time.timeIntervalSinceNow ?? 99) < 60)
    let rejected = Self.reason(
      FunctionPlan.sample().settlement(of: delivery, after: Outcome.deadLetter("unknown customer")))
    #expect(rejected?.errorText == "unknown customer")
  }

  // MARK: Before a run

  @Test(arguments: [
    (false, 5, 5, false), (false, 6, 5, true), (false, 2, 1, false), (false, 3, 1, true), (true, 2, 5, false),
    (true, 5, 5, false), (true, 6, 5, true),
    // The neighbour of a killer always gets one run alone, whatever the limit.
    (true, 2, 1, false), (true, 3, 1, true),
  ])
  func `what has spent its attempts does not run again`(
    isSuspect: Bool, attempt: Int, limit: Int, isRefused: Bool
  ) {
    let plan = FunctionPlan.sample(FunctionOptions(maxDequeueCount: limit))
    let refusal = plan.refusal(of: .sample(7, attempt: attempt, isSuspect: isSuspect))
    #expect((refusal != nil) == isRefused)
    guard let refusal else { return }
    #expect(refusal.reason.code == .attemptsExhausted)
    #expect(refusal.reason.errorType == (isSuspect ? "ProcessDied" : nil))
    #expect(refusal.reason.attempts == attempt - 1)
    #expect(refusal.settlement.text == "dead 7 MaxDeliveryCountExceeded")
  }

  @Test func `without a limit a suspect always runs`() {
    let plan = FunctionPlan.sample(FunctionOptions(retry: .fixedDelay(maxRetryCount: -1, delayInterval: .zero)))
    #expect(plan.refusal(of: .sample(7, attempt: 99, isSuspect: true)) == nil)
  }

  @Test func `what has expired does not run`() {
    let plan = FunctionPlan.sample()
    let refusal = plan.refusal(of: .sample(7, expiresAt: Date(timeIntervalSince1970: 0)))
    #expect(refusal?.reason.code == .expired)
    #expect(refusal?.reason.errorText == "its time to live ended at 1970-01-01T00:00:00Z")
    #expect(refusal?.reason.attempts == 0)
    #expect(plan.refusal(of: .sample(7, expiresAt: Date() + 60)) == nil)
    #expect(plan.refusal(of: .sample(7)) == nil)
  }

  // MARK: Decided options

  @Test func `defaults follow the cores`() {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let plan = FunctionPlan.sample()
    #expect(plan.maxConcurrentCalls == 16 * cores)
    #expect(plan.basePrefetch == 32 * cores)
    #expect(!plan.isPrefetchFixed)
    #expect(plan.functionTimeout == .seconds(1800))
    #expect(plan.batch == nil)
    let batch = FunctionPlan.batchSample(FunctionOptions())
    #expect(batch.maxConcurrentCalls == 1)
    #expect(batch.basePrefetch == 2000)
    #expect(batch.batch?.most == 1000)
    #expect(batch.batch?.least == 1)
    #expect(batch.batch?.wait == .seconds(30))
  }

  @Test func `a prefetch holds at least what a batch waits for`() {
    let plan = FunctionPlan.batchSample(
      FunctionOptions(maxConcurrentCalls: 2, prefetchCount: 5, maxMessageBatchSize: 100, minMessageBatchSize: 50))
    #expect(plan.basePrefetch == 100)
    #expect(plan.isPrefetchFixed)
  }

  @Test func `-1 is no timeout`() {
    let plan = FunctionPlan.sample(FunctionOptions(functionTimeout: .seconds(-1)))
    #expect(plan.functionTimeout == nil)
    #expect(plan.timeoutNanoseconds == nil)
  }

  @Test func `sends by hand are checked`() {
    let plan = FunctionPlan(
      function: Function("bill", on: .queue(QueueName<String>("orders"))) { _, _ in }, options: FunctionOptions(),
      connections: ["order_store"], instance: "test", logger: Logger(sink: .discard))
    #expect(plan.problem(withOutput: .queue("a")) == nil)
    #expect(plan.problem(withOutput: .queue("a", connection: "Order-Store")) == nil)
    #expect(
      plan.problem(withOutput: .queue("a", connection: "x"))
        == "cannot send to queue:a: the connection \"x\" is not configured")
    #expect(plan.problem(withOutput: .queue("a b"))?.contains("letters, digits") == true)
  }
}
