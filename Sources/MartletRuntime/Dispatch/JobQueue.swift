import Glibc
import MartletCore

/// Jobs that wait for a thread, in the order in which they came.
///
/// `@unchecked Sendable`: `jobs`, `head`, `taken`, `sleeping` and `isClosed` are touched only with `mutex` held, and the
/// two pthread objects live at fixed addresses from `init` to `deinit`. (`Mutex` has no condition variable.)
final class JobQueue: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [UnownedJob] = []
  private var head = 0
  private var taken: UInt64 = 0
  private var sleeping = 0
  private var isClosed = false

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  private func withLock<R>(_ body: () -> R) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Adds a job. False after `close`: nobody would take it.
  func push(_ job: UnownedJob) -> Bool {
    let (wakes, isTaken) = withLock {
      if isClosed { return (false, false) }
      jobs.append(job)
      return (sleeping > 0, true)
    }
    if wakes { pthread_cond_signal(condition) }
    return isTaken
  }

  /// The next job; waits for one. nil when there is none and the queue is closed, or enough other threads sleep.
  func pop(keepingAsleep enough: Int) -> UnownedJob? {
    withLock {
      while head == jobs.count {
        if isClosed || sleeping >= enough { return nil }
        sleeping += 1
        pthread_cond_wait(condition, mutex)
        sleeping -= 1
      }
      return removeFirst()
    }
  }

  /// A job of the caller's choice, given how many wait; nil where none does.
  func take(choosing choose: (Int) -> Int) -> UnownedJob? {
    withLock {
      guard head < jobs.count else { return nil }
      jobs.swapAt(head, head + choose(jobs.count - head))
      return removeFirst()
    }
  }

  /// Call with the lock held, and a job there.
  private func removeFirst() -> UnownedJob {
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

  var count: Int { withLock { jobs.count - head } }

  /// How many wait, and how many were ever taken.
  var progress: (waiting: Int, taken: UInt64) { withLock { (jobs.count - head, taken) } }

  func close() {
    withLock { isClosed = true }
    pthread_cond_broadcast(condition)
  }
}
