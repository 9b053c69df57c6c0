import MartletCore
import Testing

@testable import MartletRuntime

struct ReadyQueueTests {
  private static func queue(_ sizes: Int...) -> ReadyQueue {
    var queue = ReadyQueue()
    var number: UInt64 = 0
    for size in sizes {
      queue.append((0..<size).map { Delivery.sample(number + UInt64($0)) }, now: .milliseconds(0))
      number += UInt64(size)
    }
    return queue
  }

  private static func numbers(_ work: FunctionWork?) -> [UInt64]? { work?.deliveries.map(\.number) }

  @Test func `hands out in order, across the batches in which they came`() {
    var queue = Self.queue(2, 0, 1, 3)
    var numbers: [UInt64] = []
    while let work = queue.take(for: nil, now: .milliseconds(0)) { numbers += Self.numbers(work) ?? [] }
    #expect(numbers == [0, 1, 2, 3, 4, 5])
    #expect(queue.isEmpty)
  }

  @Test func `keeps its order over thousands of batches`() {
    var queue = ReadyQueue()
    var (next, taken): (UInt64, UInt64) = (0, 0)
    for round in 0..<5000 {
      queue.append([.sample(next), .sample(next + 1)], now: .milliseconds(0))
      next += 2
      for _ in 0..<(round % 5 == 0 ? 1 : 2) {
        if let work = queue.take(for: nil, now: .milliseconds(0)) {
          #expect(Self.numbers(work) == [taken])
          taken += 1
        }
      }
    }
    #expect(queue.count == Int(next - taken))
    #expect(queue.takeAll().map(\.receipt.low) == Array(taken..<next))
  }

  @Test func `cuts batches by size`() {
    let limits = FunctionPlan.BatchLimits(most: 3, least: 1, wait: .seconds(30))
    var queue = Self.queue(2, 5)
    #expect(Self.numbers(queue.take(for: limits, now: .milliseconds(0))) == [0, 1, 2])
    #expect(Self.numbers(queue.take(for: limits, now: .milliseconds(0))) == [3, 4, 5])
    #expect(Self.numbers(queue.take(for: limits, now: .milliseconds(0))) == [6])
    #expect(queue.take(for: limits, now: .milliseconds(0)) == nil)
  }

  @Test func `a batch waits for its least size, but not for ever`() {
    let limits = FunctionPlan.BatchLimits(most: 10, least: 3, wait: .milliseconds(100))
    var queue = ReadyQueue()
    queue.append([.sample(0)], now: .milliseconds(50))
    queue.append([.sample(1)], now: .milliseconds(120))
    #expect(!queue.hasWork(for: limits, now: .milliseconds(149)))
    #expect(queue.hasWork(for: limits, now: .milliseconds(150)))
    queue.append([.sample(2)], now: .milliseconds(130))
    #expect(Self.numbers(queue.take(for: limits, now: .milliseconds(130))) == [0, 1, 2])
    queue.append([.sample(3)], now: .milliseconds(500))
    #expect(!queue.hasWork(for: limits, now: .milliseconds(599)))
    #expect(Self.numbers(queue.take(for: limits, now: .milliseconds(600))) == [3])
  }

  @Test func `a suspect does not wait for company, which the broker does not give`() {
    let limits = FunctionPlan.BatchLimits(most: 2, least: 2, wait: .milliseconds(100))
    var queue = ReadyQueue()
    queue.append([.sample(7, isSuspect: true)], now: .milliseconds(0))
    #expect(Self.numbers(queue.take(for: limits, now: .milliseconds(0))) == [7])
    queue.append([.sample(8)], now: .milliseconds(0))
    #expect(!queue.hasWork(for: limits, now: .milliseconds(99)))
  }

  @Test func `drops what is gone and keeps the rest in order`() {
    var queue = Self.queue(3, 3)
    _ = queue.take(for: nil, now: .milliseconds(0))
    queue.removeAll { $0.receipt.low % 2 == 0 }
    #expect(queue.count == 3)
    #expect(queue.takeAll().map(\.receipt.low) == [1, 3, 5])
    #expect(queue.isEmpty)
    queue.append([.sample(9)], now: .milliseconds(0))
    #expect(Self.numbers(queue.take(for: nil, now: .milliseconds(0))) == [9])
    queue.append([.sample(8)], now: .milliseconds(0))
    queue.removeAll { _ in true }
    #expect(queue.isEmpty)
    #expect(queue.take(for: nil, now: .milliseconds(0)) == nil)
  }
}
