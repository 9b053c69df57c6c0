import MartletCore

/// How many batches of one function run side by side, over all its partitions.
final class RunSlots: Sendable {
  private let most: Int
  private let taken = Locked(0)

  init(_ most: Int) { self.most = most }

  /// Takes one, if there is one.
  func take() -> Bool {
    taken.withLock { taken in
      guard taken < most else { return false }
      taken += 1
      return true
    }
  }

  func free() { taken.withLock { $0 -= 1 } }
}
