import MartletCore
import Testing

@testable import MartletRuntime
@testable import MartletTestKit

struct FunctionExecutorTests {
  @Test func `jobs run on its threads`() async {
    let executor = FunctionExecutor(name: "test", threads: 2)
    let sum = await Task(executorPreference: executor) { (0..<100).reduce(0, +) }.value
    #expect(sum == 4950)
    executor.stop()
  }

  @Test func `a job that comes after the end still runs`() async {
    let executor = FunctionExecutor(name: "test", threads: 1)
    executor.stop()
    #expect(await Task(executorPreference: executor) { 7 }.value == 7)
  }

  @Test func `a blocked thread is replaced when work waits`() async throws {
    let executor = FunctionExecutor(name: "test", threads: 1)
    let gate = Observed((isBlocked: false, isOpen: false))
    let blocker = Task.detached(executorPreference: executor) {
      gate.update { $0.isBlocked = true }
      while !gate.value.isOpen {}
    }
    try await gate.until("the block") { $0.isBlocked }
    let other = Task.detached(executorPreference: executor) { gate.update { $0.isOpen = true } }
    // Twice: the first look only notes that nothing was taken since.
    while !gate.value.isOpen { executor.relieve() }
    await other.value
    await blocker.value
    executor.stop()
  }

  @Test func `without threads the caller chooses what runs`() {
    let executor = FunctionExecutor(name: "test", threads: 0)
    let order = Observed<[Int]>([])
    for number in 0..<4 { Task.detached(executorPreference: executor) { order.add(number) } }
    while executor.runNext(choosing: { $0 - 1 }) {}
    let seen = order.value
    #expect(seen.sorted() == [0, 1, 2, 3])
    #expect(seen.first == 3)
  }
}
