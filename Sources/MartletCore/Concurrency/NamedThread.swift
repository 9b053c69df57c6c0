import CLinux
import Glibc

/// A thread of our own: what blocks never runs on Swift's cooperative pool.
public struct NamedThread: Sendable {
  private let handle: pthread_t

  /// Starts a thread.
  /// - Parameters:
  ///   - name: at most 15 bytes, as the kernel shows it.
  ///   - stackBytes: its stack, of which only what is used takes memory. Default 8 MiB: user code decodes JSON on it,
  ///     which may nest 512 deep and takes up to 8 KiB of stack for a level in a debug build.
  ///   - body: what it does; the thread ends when it returns.
  public static func start(
    _ name: String, stackBytes: Int = 8 << 20, _ body: @escaping @Sendable () -> Void
  ) -> NamedThread {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, stackBytes)
    defer { pthread_attr_destroy(&attributes) }
    let start = Unmanaged.passRetained(Start(name: String(name.prefix(15)), body: body))
    var handle = pthread_t()
    let status = pthread_create(
      &handle, &attributes,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        martlet_set_thread_name(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    precondition(status == 0, "the system refuses another thread (errno \(status)); raise the limit of processes")
    return NamedThread(handle: handle)
  }

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Waits for its end. Call once, and not from itself.
  public func join() { pthread_join(handle, nil) }
  /// Lets it end by itself. Call instead of `join`.
  public func detach() { pthread_detach(handle) }
}
