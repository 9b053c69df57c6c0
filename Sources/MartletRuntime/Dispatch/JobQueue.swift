import MartletCore

/// Jobs that wait for a thread, in the order in which they came.
final class JobQueue: Sendable {
  private struct State {
    var jobs: [UnownedJob] = []
    var head = 0
    var taken: UInt64 = 0
    /// The one that fell asleep last is woken first: what it needs is still in the caches of its core.
    var sleepers: [Sleeper] = []
    var isClosed = false

    var count: Int { jobs.count - head }

    mutating func removeFirst() -> UnownedJob? {
      guard head < jobs.count else { return nil }
      defer {
        head += 1
        taken += 1
        if head == jobs.count {
          jobs.removeAll(keepingCapacity: true)
          head = 0
        } else if head > 1024 {
          jobs.removeFirst(head)
          head = 0
        }
      }
      return jobs[head]
    }
  }

  private let state = Locked(State())

  /// Adds a job. False after `close`: nobody would take it.
  func push(_ job: UnownedJob) -> Bool {
    let (sleeper, isTaken): (Sleeper?, Bool) = state.withLock { state in
      if state.isClosed { return (nil, false) }
      state.jobs.append(job)
      return (state.sleepers.popLast(), true)
    }
    sleeper?.wake()
    return isTaken
  }

  /// The next job; waits for one. nil when there is none and the queue is closed, or enough other threads sleep.
  /// - Parameter sleeper: the calling thread's.
  func pop(_ sleeper: Sleeper, keepingAsleep enough: Int) -> UnownedJob? {
    while true {
      let (job, mustEnd): (UnownedJob?, Bool) = state.withLock { state in
        if let job = state.removeFirst() { return (job, false) }
        if state.isClosed || state.sleepers.count >= enough { return (nil, true) }
        state.sleepers.append(sleeper)
        return (nil, false)
      }
      if job != nil || mustEnd { return job }
      sleeper.sleep()
    }
  }

  /// A job of the caller's choice, given how many wait; nil where none does.
  func take(choosing choose: (Int) -> Int) -> UnownedJob? {
    state.withLock { state in
      guard state.count > 0 else { return nil }
      state.jobs.swapAt(state.head, state.head + choose(state.count))
      return state.removeFirst()
    }
  }

  var count: Int { state.withLock { $0.count } }

  /// How many wait, and how many were ever taken.
  var progress: (waiting: Int, taken: UInt64) { state.withLock { ($0.count, $0.taken) } }

  func close() {
    let sleepers = state.withLock { state in
      state.isClosed = true
      defer { state.sleepers = [] }
      return state.sleepers
    }
    for sleeper in sleepers { sleeper.wake() }
  }
}
