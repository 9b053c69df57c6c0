import MartletCore
import Testing

@testable import MartletRuntime

struct WorkerTableTests {
  private static let work = FunctionWork.one(.sample(1))

  @Test func `a worker starts, runs, ends, and its place is used again`() {
    var table = WorkerTable()
    let first = table.start()
    #expect(table.isStarting)
    #expect(table.active == 1)
    table.hasStarted(first)
    #expect(!table.isStarting)
    table.run(first, Self.work, number: 7, at: .milliseconds(1), deadline: nil)
    #expect(table.start(of: first) == .milliseconds(1))
    #expect(table.finish(first) == .inTime)
    table.end(first)
    #expect(table.active == 0)
    let serial = table.serial(of: first)
    #expect(table.start() == first)
    #expect(table.serial(of: first) == serial + 1)
  }

  @Test func `a run over its deadline is cancelled, then given up after the grace`() {
    var table = WorkerTable()
    let worker = table.start()
    let task = Task.detached {}
    #expect(table.attach(task, to: worker, serial: table.serial(of: worker)) == false)
    table.run(worker, Self.work, number: 7, at: .milliseconds(0), deadline: .milliseconds(100))
    #expect(table.expire(now: .milliseconds(99)).cancel.isEmpty)
    #expect(table.expire(now: .milliseconds(100)).cancel.count == 1)
    #expect(table.expire(now: .milliseconds(101)).cancel.isEmpty, "once")
    #expect(table.expire(now: .milliseconds(2099)).givenUp.isEmpty)
    #expect(table.lost == 0)
    #expect(table.expire(now: .milliseconds(2100)).givenUp.count == 1)
    #expect(table.lost == 1)
    #expect(table.active == 0)
    #expect(table.expire(now: .milliseconds(9999)).givenUp.isEmpty, "once")
    #expect(table.finish(worker) == .lost)
    #expect(table.lost == 0)
  }

  @Test func `a run that ends within the grace is late`() {
    var table = WorkerTable()
    let worker = table.start()
    table.run(worker, Self.work, number: 7, at: .milliseconds(0), deadline: .milliseconds(100))
    _ = table.expire(now: .milliseconds(100))
    #expect(table.finish(worker) == .late)
    table.end(worker)
    #expect(table.active == 0)
  }

  @Test func `a run without a deadline is never overdue`() {
    var table = WorkerTable()
    let worker = table.start()
    table.run(worker, Self.work, number: 7, at: .milliseconds(0), deadline: nil)
    let overdue = table.expire(now: MonotonicTime(nanoseconds: .max))
    #expect(overdue.cancel.isEmpty && overdue.givenUp.isEmpty)
  }

  @Test func `a task that is known only after its deadline is cancelled then`() {
    var table = WorkerTable()
    let worker = table.start()
    table.run(worker, Self.work, number: 7, at: .milliseconds(0), deadline: .milliseconds(1))
    #expect(table.expire(now: .milliseconds(1)).cancel.isEmpty)
    #expect(table.attach(Task.detached {}, to: worker, serial: table.serial(of: worker)) == true)
  }

  @Test func `a task of an earlier life of the place is not kept`() {
    var table = WorkerTable()
    let worker = table.start()
    let serial = table.serial(of: worker)
    table.end(worker)
    #expect(table.attach(Task.detached {}, to: worker, serial: serial) == false)
    #expect(table.tasks.isEmpty)
    _ = table.start()
    #expect(table.attach(Task.detached {}, to: worker, serial: serial) == false)
    #expect(table.tasks.isEmpty)
    #expect(table.attach(Task.detached {}, to: worker, serial: serial + 1) == false)
    #expect(table.tasks.count == 1)
  }

  @Test func `all that runs can be given up`() {
    var table = WorkerTable()
    let (idle, running, cancelled) = (table.start(), table.start(), table.start())
    table.run(running, .one(.sample(1)), number: 7, at: .milliseconds(0), deadline: nil)
    table.run(cancelled, .one(.sample(2)), number: 7, at: .milliseconds(0), deadline: .milliseconds(1))
    _ = table.expire(now: .milliseconds(1))
    #expect(table.giveUpAll().flatMap(\.deliveries).map(\.number) == [1, 2])
    #expect(table.active == 1)
    #expect(table.giveUpAll().isEmpty)
    #expect(table.finish(running) == .lost)
    #expect(table.finish(cancelled) == .lost)
    table.end(idle)
    #expect(table.active == 0)
  }

  @Test func `busy for long is told from busy`() {
    var table = WorkerTable()
    let (first, second) = (table.start(), table.start())
    table.run(first, Self.work, number: 7, at: .milliseconds(0), deadline: nil)
    table.run(second, Self.work, number: 7, at: .milliseconds(5), deadline: nil)
    #expect(!table.areAllBusy(for: 1_000_000, now: .milliseconds(5.5)))
    #expect(table.areAllBusy(for: 1_000_000, now: .milliseconds(6)))
  }

  @Test func `finishing what does not run is a mistake of the runtime`() async {
    await #expect(processExitsWith: .failure) {
      var table = WorkerTable()
      _ = table.finish(table.start())
    }
  }
}
