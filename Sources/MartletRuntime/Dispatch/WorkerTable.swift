/// The workers of one function: which run, until when, and which were given up.
struct WorkerTable: Sendable {
  /// How a run ended.
  enum Ending: Sendable {
    case inTime, late, lost
  }

  private enum Phase: Sendable {
    case free
    case idle
    case running(FunctionWork, deadline: MonotonicTime?)
    /// Cancelled at its deadline; until `graceEnd` it may still end by itself.
    case cancelled(FunctionWork, graceEnd: MonotonicTime)
    /// Its message was settled without it. The worker ends when, and if, the function returns.
    case lost
  }

  private struct Slot: Sendable {
    var phase = Phase.free
    var task: Task<Void, Never>?
    var started = MonotonicTime(nanoseconds: 0)
    /// The number of the run.
    var number: UInt64 = 0
    /// Tells the workers apart that use the slot one after another.
    var serial: UInt64 = 0
  }

  /// Between the cancellation and giving up: what Azure allows.
  static let grace = Duration.seconds(2)

  private var slots: [Slot] = []
  private var free: [Int] = []
  private var starting: Int?
  /// Workers that count against the limit.
  private(set) var active = 0

  /// Whether a worker was started that has not looked for work yet.
  var isStarting: Bool { starting != nil }

  func serial(of worker: Int) -> UInt64 { slots[worker].serial }

  /// Runs that were given up and have not returned: each holds its thread, or at least its memory.
  var lost: Int {
    slots.count { if case .lost = $0.phase { true } else { false } }
  }

  /// Whether every run has lasted for at least so long: a function that was quick has become slow.
  func areAllBusy(for nanoseconds: UInt64, now: MonotonicTime) -> Bool {
    slots.allSatisfy { slot in
      if case .running = slot.phase { now.nanoseconds(since: slot.started) >= nanoseconds } else { true }
    }
  }

  /// How long every run has lasted at least.
  func leastAge(now: MonotonicTime) -> UInt64 {
    slots.reduce(UInt64.max) { least, slot in
      switch slot.phase {
      case .running, .cancelled: min(least, now.nanoseconds(since: slot.started))
      case .idle: 0
      case .free, .lost: least
      }
    }
  }

  var tasks: [Task<Void, Never>] { slots.compactMap(\.task) }

  mutating func start() -> Int {
    let worker: Int
    if let reused = free.popLast() {
      worker = reused
    } else {
      worker = slots.count
      slots.append(Slot())
    }
    slots[worker].phase = .idle
    slots[worker].serial += 1
    active += 1
    starting = worker
    return worker
  }

  /// Keeps the task, to cancel it. True when that is due already: a short timeout can pass before the task is known.
  mutating func attach(_ task: Task<Void, Never>, to worker: Int, serial: UInt64) -> Bool {
    guard slots[worker].serial == serial else { return false }
    switch slots[worker].phase {
    case .free: return false
    case .cancelled, .lost:
      slots[worker].task = task
      return true
    case .idle, .running:
      slots[worker].task = task
      return false
    }
  }

  mutating func hasStarted(_ worker: Int) {
    if starting == worker { starting = nil }
  }

  /// When the worker's run began.
  func start(of worker: Int) -> MonotonicTime { slots[worker].started }

  mutating func run(
    _ worker: Int, _ work: FunctionWork, number: UInt64, at now: MonotonicTime, deadline: MonotonicTime?
  ) {
    slots[worker].started = now
    slots[worker].number = number
    slots[worker].phase = .running(work, deadline: deadline)
  }

  /// - Parameter newDeadline: replaces the deadline if it is given.
  mutating func narrow(_ worker: Int, to work: FunctionWork, deadline newDeadline: MonotonicTime? = nil) -> Bool {
    switch slots[worker].phase {
    case .running(_, let deadline): slots[worker].phase = .running(work, deadline: newDeadline ?? deadline)
    case .cancelled(_, let graceEnd): slots[worker].phase = .cancelled(work, graceEnd: graceEnd)
    case .lost: return false
    case .free, .idle: preconditionFailure("a worker narrowed what it did not run")
    }
    return true
  }

  mutating func finish(_ worker: Int) -> Ending {
    switch slots[worker].phase {
    case .running:
      slots[worker].phase = .idle
      return .inTime
    case .cancelled:
      // Its task is cancelled for good: the worker ends and another one takes its place.
      slots[worker].phase = .idle
      return .late
    case .lost:
      vacate(worker)
      return .lost
    case .free, .idle: preconditionFailure("a worker finished what it did not run")
    }
  }

  mutating func end(_ worker: Int) {
    active -= 1
    vacate(worker)
  }

  private mutating func vacate(_ worker: Int) {
    slots[worker].phase = .free
    slots[worker].task = nil
    free.append(worker)
  }

  /// Gives up everything that runs, in time or not.
  mutating func giveUpAll() -> [FunctionWork] {
    var givenUp: [FunctionWork] = []
    for worker in slots.indices {
      switch slots[worker].phase {
      case .running(let work, _), .cancelled(let work, _):
        slots[worker].phase = .lost
        active -= 1
        givenUp.append(work)
      case .free, .idle, .lost: break
      }
    }
    return givenUp
  }

  /// Runs that are over their deadline: the tasks to cancel now, and what is given up since its grace is over too.
  typealias Overdue = (cancel: [Task<Void, Never>], givenUp: [(work: FunctionWork, number: UInt64)])

  mutating func expire(now: MonotonicTime) -> Overdue {
    var cancel: [Task<Void, Never>] = []
    var givenUp: [(work: FunctionWork, number: UInt64)] = []
    for worker in slots.indices {
      switch slots[worker].phase {
      case .running(let work, let deadline?) where deadline <= now:
        slots[worker].phase = .cancelled(work, graceEnd: now + Self.grace)
        if let task = slots[worker].task { cancel.append(task) }
      case .cancelled(let work, let graceEnd) where graceEnd <= now:
        slots[worker].phase = .lost
        active -= 1
        givenUp.append((work, slots[worker].number))
      default: break
      }
    }
    return (cancel, givenUp)
  }
}
