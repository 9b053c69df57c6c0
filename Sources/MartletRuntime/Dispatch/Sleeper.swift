import Glibc

/// Where one thread sleeps until another one wakes it. A wake-up that comes first is not lost.
///
/// `@unchecked Sendable`: the semaphore lies at a fixed address from `init` to `deinit`, and POSIX lets any thread use it.
final class Sleeper: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func sleep() {
    // A signal may end the wait too early.
    while sem_wait(semaphore) != 0 {}
  }

  func wake() { sem_post(semaphore) }
}
