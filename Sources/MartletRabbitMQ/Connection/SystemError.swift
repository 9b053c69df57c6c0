import Glibc

/// Texts of `errno`.
enum SystemError {
  static func text(_ number: Int32) -> String {
    // The reentrant one: strerror's own buffer is shared by all threads.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, strerror_r(number, base, 256) == 0 else { return "error \(number)" }
      return String(cString: base)
    }
  }
}
