import Glibc

/// Keeps one object per thread for the next use, so that a decode or an encode does not allocate its scratch memory.
///
/// `take` empties the place: whoever is called in between, on the same thread, gets none and makes its own.
struct ThreadCache<Object: AnyObject>: Sendable {
  private let key: pthread_key_t

  init() {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { pointer in
      if let pointer { Unmanaged<AnyObject>.fromOpaque(pointer).release() }
    }
    precondition(status == 0, "the system refuses another key of thread-local storage (errno \(status))")
    self.key = key
  }

  @inline(__always)
  func take() -> Object? {
    guard let pointer = pthread_getspecific(key) else { return nil }
    pthread_setspecific(key, nil)
    return Unmanaged<Object>.fromOpaque(pointer).takeRetainedValue()
  }

  @inline(__always)
  func put(_ object: Object) {
    guard pthread_getspecific(key) == nil else { return }
    pthread_setspecific(key, Unmanaged.passRetained(object).toOpaque())
  }
}
